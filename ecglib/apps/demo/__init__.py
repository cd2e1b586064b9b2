"""The classifier demo of notebook 5, which is also the web app: `page` joins state and widgets."""
