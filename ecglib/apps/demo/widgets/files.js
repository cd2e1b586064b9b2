// Files between the page and the kernel, both ways. ipywidgets' own upload button sends a file as
// one message, and the server drops messages above its limit (10 MiB) silently. Here the size is
// checked first, and files travel in pieces, which every server accepts.
const PIECE = 1 << 20;
// An open page sends signs of life, so that a server may end the kernels of closed ones.
const SIGN_OF_LIFE_MS = 60000;
const ANSWER_MS = 20000; // the kernel confirms within this time, unless the connection broke

async function send(model, files, say) {
  const total = files.reduce((sum, file) => sum + file.size, 0);
  const limit = model.get("limit_mb") * 1e6;
  if (total > limit || files.length > model.get("limit_files")) {
    model.send({ kind: "refused", count: files.length, size: total });
    return;
  }
  const transfer = Math.random().toString(36).slice(2);
  let sent = 0;
  model.send({ kind: "begin", transfer, names: files.map((file) => file.name) });
  for (const [index, file] of files.entries()) {
    for (let start = 0; start < file.size; start += PIECE) {
      const piece = await file.slice(start, start + PIECE).arrayBuffer();
      model.send({ kind: "piece", transfer, index }, undefined, [piece]);
      sent += piece.byteLength;
      say(`Sending: ${Math.round((100 * sent) / Math.max(total, 1))} %`);
    }
  }
  const unanswered = setTimeout(
    () => say("No answer. If the connection broke, choose the files again."),
    ANSWER_MS,
  );
  model.on("msg:custom", function arrived(message) {
    if (message.kind !== "arrived" || message.transfer !== transfer) return;
    model.off("msg:custom", arrived);
    clearTimeout(unanswered);
    say("");
  });
  model.send({ kind: "end", transfer, size: total });
}

function initialize({ model }) {
  const life = setInterval(() => model.send({ kind: "alive" }), SIGN_OF_LIFE_MS);
  model.on("msg:custom", (message, buffers) => {
    if (message.kind !== "save") return;
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob(buffers, { type: message.mime }));
    link.download = message.name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60000);
  });
  return () => clearInterval(life);
}

function render({ model, el }) {
  const zone = document.createElement("label");
  zone.className = "ecg-drop";
  const input = document.createElement("input");
  input.type = "file";
  input.multiple = true;
  input.accept = model.get("accept");
  const text = document.createElement("span");
  const title = document.createElement("b");
  title.textContent = "Drop ECG files here, or click to choose them";
  const hint = document.createElement("span");
  hint.textContent = model.get("hint");
  const state = document.createElement("span");
  state.setAttribute("role", "status");
  text.append(title, hint, state);
  zone.append(input, text);
  el.append(zone);

  const take = async (list) => {
    const files = [...list];
    input.value = ""; // otherwise the same file, corrected, would not be noticed
    if (!files.length) return;
    input.disabled = true;
    try {
      await send(model, files, (words) => (state.textContent = words));
    } catch (error) {
      state.textContent = `A file can't be read here: ${error.message}`; // a folder, or a deleted file
    } finally {
      input.disabled = false;
    }
  };
  input.addEventListener("change", () => take(input.files));
  let depth = 0; // every child sends dragenter and dragleave
  const mark = (by) => {
    depth = by === 0 ? 0 : depth + by;
    zone.classList.toggle("ecg-over", depth > 0);
  };
  zone.addEventListener("dragenter", () => mark(1));
  zone.addEventListener("dragleave", () => mark(-1));
  zone.addEventListener("dragover", (event) => event.preventDefault());
  zone.addEventListener("drop", (event) => {
    event.preventDefault();
    event.stopPropagation(); // otherwise JupyterLab uploads it to its file browser
    mark(0);
    if (!input.disabled) take(event.dataTransfer.files);
  });
}

export default { initialize, render };
