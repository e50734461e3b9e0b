import os

from django.http import JsonResponse
from django.templatetags.static import static

from pages.models import Visit


def index(request):
    Visit.objects.create()
    return JsonResponse({"release": os.environ.get("RELEASE"), "style": static("style.css")})
