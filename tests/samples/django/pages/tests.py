from django.test import TestCase, override_settings

from pages.models import Visit


class VisitTest(TestCase):
    @override_settings(STORAGES={"staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}})
    def test_a_visit_is_counted(self):
        self.client.get("/")

        assert Visit.objects.count() == 1
