"""The demo: a day in the shop, told by what its receivers do.

`scenario` says what happens, `recorder` watches signalkit run the receivers, `story` puts what it
saw in order, `narrator` prints it, as `look` and `plain` have it for the terminal at hand. What is
on record in the end is asked for with the commands that one would type: `typing_in`. The other
modules build the stage: a throw-away database, browsers that speak WSGI and ASGI, and a reloader
that needs no waiting.
"""
