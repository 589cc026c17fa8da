"""Who caused what: the actor, the cause that ties it together, where it came from."""

from signalkit.context.current import Actor, Context, current, use
from signalkit.context.notices import notify_user

__all__ = ["Actor", "Context", "current", "notify_user", "use"]
