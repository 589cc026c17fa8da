"""What can go wrong in the shop, and is told to the customer."""


class ShopError(Exception):
    """Base of what a customer is told; the message is meant for them."""


class EmptyBasket(ShopError):
    """There is nothing to order."""


class OutOfStock(ShopError):
    """Fewer copies are left than were asked for."""


class TillClosed(ShopError):
    """No payment can be taken now."""


class FireDrill(Exception):
    """Raised on purpose, to hear the alarm."""
