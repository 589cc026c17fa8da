"""What surrounds every request of the shop."""

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.deprecation import MiddlewareMixin

from signalkit.context import current

from .pulse import may_see_pulse
from .record import remember


class RememberAction(MiddlewareMixin):
    """Keep in the session which request did something and led to another page.

    What a form's receivers did is shown at the foot of the page that one is led to, and that is a
    request of its own. It is kept for those only who are shown it.
    """

    def process_response(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        """Look whether a form was sent and answered with a redirect."""
        led_on = request.method == "POST" and 300 <= response.status_code < 400
        if led_on and may_see_pulse(request.user):
            remember(request.session, current().correlation_id)
        return response
