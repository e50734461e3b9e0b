"""The JSON of Bitbucket's objects, as the REST API and the webhooks share it."""
