"""Settings of the web app, which is notebook 05 served by Voilà: `make app`.

One setting per line, each with its reason. Visitors need the token of ECG_APP_TOKEN, if it is set;
ECG_APP_THEME chooses `light` or `dark`; ECG_APP_WARM=1 keeps a page ready.
"""

import os

c = get_config()  # noqa: F821 - Voilà's configuration loader provides it

# --- access --------------------------------------------------------------------------------------
c.Voila.ip = "127.0.0.1"  # this computer only; a container changes it on its command line
c.Voila.port = 3000  # the port of the published web app
c.Voila.port_retries = 0  # if the port is taken, fail instead of choosing another one
c.Voila.open_browser = False  # servers have none
c.Voila.token = os.environ.get("ECG_APP_TOKEN", "")  # no token by default

# --- what is served ------------------------------------------------------------------------------
c.VoilaConfiguration.file_allowlist = [r"(?!)"]  # no files beside the notebook, not even pictures
c.VoilaConfiguration.allow_template_override = "NO"  # a query must not choose what is executed
c.VoilaConfiguration.allow_theme_override = "NO"  # nor which theme's files are read
c.VoilaConfiguration.theme = os.environ.get("ECG_APP_THEME", "light")
c.VoilaConfiguration.strip_sources = True  # the page shows the demo, not its code
c.VoilaConfiguration.show_tracebacks = False  # they hold paths of this computer
# Only the extensions of the demo's controls; others from JupyterLab would cause errors here.
c.VoilaConfiguration.extension_allowlist = [
    "@voila-dashboards/widgets-manager8",
    "@jupyter-widgets/jupyterlab-manager",
    "anywidget",
    "bqplot",
    "bqscales",
]
c.TagRemovePreprocessor.remove_cell_tags = {"lesson"}  # the page shows the demo, not the lesson

# --- limits --------------------------------------------------------------------------------------
# Uploads travel in pieces of 1 MiB, and the demo refuses more than 50 MB in total. The limit of one
# message leaves room for one piece.
c.Voila.tornado_settings = {"websocket_max_message_size": 4 * 2**20}
# Every page has its own kernel of about 600 MB. A closed page may still count as connected, so
# connections don't count: an open page of the demo sends a sign of life every minute.
c.MappingKernelManager.cull_connected = True
c.MappingKernelManager.cull_idle_timeout = 300  # seconds without a sign of life
c.MappingKernelManager.cull_interval = 30  # seconds between two checks
c.VoilaExecutor.timeout = 180  # seconds a cell may take before the page gives up

# --- speed ---------------------------------------------------------------------------------------
# A ready page occupies its memory all the time, so this is for servers with memory to spare.
c.VoilaConfiguration.preheat_kernel = os.environ.get("ECG_APP_WARM", "") == "1"
c.VoilaConfiguration.default_pool_size = 1  # pages kept ready
