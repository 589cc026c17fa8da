"""What runserver does when a file changes."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils.autoreload import BaseReloader, autoreload_started, file_changed

import signalkit

from ..notice import notice


@signalkit.receiver(autoreload_started, name="shop.watch_the_notice")
def watch_the_notice(sender: BaseReloader, **kwargs: Any) -> None:
    """Have the file with the notice watched.

    The reloader watches Python modules and templates; anything else one asks it to.
    """
    file = Path(settings.SHOP_NOTICE)
    sender.watch_dir(file.parent, file.name)


@signalkit.receiver(file_changed, name="shop.reread_notice")
def reread_notice(sender: BaseReloader, file_path: Path, **kwargs: Any) -> bool | None:
    """Show the new notice at once, without restarting the server.

    The answer matters: a true one tells the reloader that the change is dealt with. Say so for
    one's own file alone, or runserver no longer restarts for anybody's.
    """
    if file_path != Path(settings.SHOP_NOTICE):
        return None
    notice.cache_clear()
    return True
