"""The Django project: settings, addresses, the API and its errors, the page of the web bundle."""
