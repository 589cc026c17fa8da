"""The warehouse picks up its work from a shared folder, one text file an order."""

from pathlib import Path

from django.conf import settings

from .models import Order


def leave_pick_list(order: Order) -> Path:
    """Write down what to pack for `order` and return the file.

    Raises:
        OSError: the warehouse's folder cannot be reached.
    """
    folder = Path(settings.SHOP_WAREHOUSE)
    if not folder.parent.is_dir():
        raise OSError(f"The warehouse's share is not mounted: {folder.parent} does not exist.")
    folder.mkdir(exist_ok=True)
    file = folder / f"{order.number}.txt"
    file.write_text("".join(f"{line}\n" for line in order.lines.all()), encoding="utf-8")
    return file
