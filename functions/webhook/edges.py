"""What the webhook function touches: little, since anybody may call it."""

from functools import cached_property

from shared.aws.secrets import Secret
from shared.aws.sqs import Queue
from shared.edges import CommonEdges


class WebhookEdges(CommonEdges):
    @cached_property
    def signing_secret(self) -> Secret:
        return self.secret(self.settings.webhook_secret)

    @cached_property
    def land_queue(self) -> Queue:
        return Queue(self._client("sqs"), self.settings.land_queue_url)
