"""Settings of the web app, which is notebook 05 served by Voilà: `make app`.

One setting a line, each with its reason. ECG_APP_TOKEN asks visitors for a token, ECG_APP_THEME
chooses `light` or `dark`, ECG_APP_WARM=1 keeps a page ready.
"""

import os

c = get_config()  # noqa: F821 - Voilà's configuration loader provides it

# --- who may come --------------------------------------------------------------------------------
c.Voila.ip = "127.0.0.1"  # this computer only; a container asks for more on its command line
c.Voila.port = 3000  # where the published web app was, too
c.Voila.port_retries = 0  # if the port is taken, say so instead of hiding on another one
c.Voila.open_browser = False  # servers have none
c.Voila.token = os.environ.get("ECG_APP_TOKEN", "")  # no token unless one is asked for

# --- what they may ask for -----------------------------------------------------------------------
c.VoilaConfiguration.file_allowlist = [r"(?!)"]  # no file beside the notebook, not even pictures
c.VoilaConfiguration.allow_template_override = "NO"  # a query must not choose what is executed
c.VoilaConfiguration.allow_theme_override = "NO"  # nor which theme's files are read
c.VoilaConfiguration.theme = os.environ.get("ECG_APP_THEME", "light")
c.VoilaConfiguration.strip_sources = True  # the page shows the demo, not its code
c.VoilaConfiguration.show_tracebacks = False  # paths of this computer are nobody's business
# Only what the demo's controls are made of: whatever else is installed in JupyterLab stays out,
# and so do the errors it makes here.
c.VoilaConfiguration.extension_allowlist = [
    "@voila-dashboards/widgets-manager8",
    "@jupyter-widgets/jupyterlab-manager",
    "anywidget",
    "bqplot",
    "bqscales",
]
c.TagRemovePreprocessor.remove_cell_tags = {"lesson"}  # the lesson around the demo stays at home

# --- how much ------------------------------------------------------------------------------------
# Uploads travel in pieces of 1 MiB and are refused above 50 MB in total by the demo itself; the
# limit of one message leaves room for a piece in its envelope, and for nothing larger.
c.Voila.tornado_settings = {"websocket_max_message_size": 4 * 2**20}
# Every page has a kernel of its own, of some 600 MB. A page that is closed says so, but not always,
# and one that is closed while it connects counts as connected for ever. So connections don't count:
# an open page of the demo gives a sign of life every minute.
c.MappingKernelManager.cull_connected = True
c.MappingKernelManager.cull_idle_timeout = 300  # seconds without a sign of life
c.MappingKernelManager.cull_interval = 30  # seconds between two looks
c.VoilaExecutor.timeout = 180  # seconds a cell may take before the page gives up

# --- how fast ------------------------------------------------------------------------------------
# A page that is ready costs its memory all the time, so this is for servers that can spare it.
c.VoilaConfiguration.preheat_kernel = os.environ.get("ECG_APP_WARM", "") == "1"
c.VoilaConfiguration.default_pool_size = 1  # pages kept ready
