"""What a call is refused with: the error's name, the HTTP status and the message that a client sees.

The status is 400 for all but a server's fault and what HTTP has a number of its own for: AWS's JSON services
send 400 also for failed authentication, and SDKs go by the name.
https://docs.aws.amazon.com/rekognition/latest/dg/error-handling.html
"""

from __future__ import annotations


class Refusal(Exception):
    """Ends a call with an error of the AWS protocol."""

    def __init__(self, name: str, message: str, *, status: int = 400, close: bool = False) -> None:
        """Say what the client sees.

        Args:
            name: the error's name, as SDKs match it.
            message: what it says; holds nothing personal and no long value.
            status: the HTTP status.
            close: whether the connection is closed after the reply.
        """
        super().__init__(message)
        self.name = name
        self.message = message
        self.status = status
        self.close = close


def serialization(message: str) -> Refusal:
    """The body is no JSON object, or a member has another type than the model's."""
    return Refusal("SerializationException", message)


def invalid_parameter(message: str) -> Refusal:
    """A member breaks a constraint of the model."""
    return Refusal("InvalidParameterException", message)


def image_too_large(limit: int) -> Refusal:
    """An image in a request has more bytes than the model allows."""
    return Refusal("ImageTooLargeException", f"An image sent as bytes may have {limit} bytes; send a smaller one.")


def body_too_large(limit: int, *, close: bool) -> Refusal:
    """The body is longer than any valid request of its operation."""
    message = f"The body of this operation's requests may have {limit} bytes."
    return Refusal("RequestEntityTooLargeException", message, status=413, close=close)


def too_slow() -> Refusal:
    """The body did not arrive in time."""
    message = "The body of the request did not arrive in time; send it again."
    return Refusal("RequestTimeoutException", message, status=408, close=True)


def throttled() -> Refusal:
    """More calls at once than the server is set to hold. SDKs wait and try again."""
    return Refusal("ThrottlingException", "Too many calls at once; try again later.")


def denied(action: str, text: str) -> Refusal:
    """The decision was to deny."""
    message = f"User is not authorized to perform: rekognition:{action} because {text}."
    return Refusal("AccessDeniedException", message)


def past_quota(text: str) -> Refusal:
    """The customer has used what it may: the one modelled error of a limit that no SDK tries again.

    Each attempt is an entry of the log, and throttling errors, ProvisionedThroughputExceededException among them, are
    tried again until the end: the limit is that of a month. A denial it is in the log as well, by the rule `quota`.
    """
    return Refusal("AccessDeniedException", f"This call is refused because {text}.")


def internal(request_id: str) -> Refusal:
    """Something broke in the server; SDKs try again."""
    message = f"Candid had an internal error; its operator finds it in the log under request id {request_id}."
    return Refusal("InternalServerError", message, status=500)
