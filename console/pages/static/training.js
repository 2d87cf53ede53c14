// A run as it goes: one stream of events, which goes on behind the last line that was seen
// after a reload, a lost connection or a night with the lid closed.
addEventListener("DOMContentLoaded", () => {
  const run = document.getElementById("run");
  if (!run?.dataset.events) return;
  const place = document.getElementById("curve");
  const progress = document.getElementById("run-progress");
  const words = document.getElementById("run-words");
  const samples = document.getElementById("samples");
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const number = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
  const points = [[], []];
  let plot, source, last = 0, heard = Date.now();

  function shown() {
    const probe = document.createElement("span");
    document.body.append(probe);
    const of = (name) => { probe.style.color = `var(${name})`; return getComputedStyle(probe).color; };
    const [ink, line, accent] = [of("--mute"), of("--line"), of("--accent")];
    probe.remove();
    const axis = { stroke: ink, grid: { stroke: line, width: 1 }, ticks: { show: false }, font: "12px Inter, sans-serif" };
    const size = () => ({ width: place.clientWidth, height: 280 });
    place.replaceChildren();
    plot = new uPlot({
      ...size(), scales: { x: { time: false } }, axes: [{ ...axis, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 2e4, 5e4, 1e5] }, { ...axis, size: 48 }], legend: { show: false },
      cursor: { y: false }, series: [{}, { stroke: accent, width: 2, spanGaps: true, points: { show: points[0].length < 30 } }],
    }, points, place);
    plot.root.setAttribute("role", "img");
    plot.root.setAttribute("aria-label", "How the loss went");
    new ResizeObserver(() => plot.setSize(size())).observe(place);
  }

  function say(id, text) { document.getElementById(id).textContent = text; }

  function took(lines) {
    for (const line of lines) {
      if (line.again) begunAgain(line.again);
      if (line.loss !== undefined) {
        // Steps that are taken again stand in the place of those taken before.
        const kept = points[0].findIndex((step) => step >= line.step);
        if (kept >= 0) points.forEach((all) => all.splice(kept));
        points[0].push(line.step);
        points[1].push(line.loss);
        say("now-loss", line.loss.toFixed(3));
      }
      if (line.speed !== undefined) say("now-speed", `${number.format(line.speed)} tokens a second`);
      if (line.memory !== undefined) say("now-memory", `${number.format(line.memory / 1e6)} MB`);
      if (line.sample) sampled(line);
    }
    if (!points[0].length) return;
    if (plot) plot.setData(points); else shown();
  }

  function begunAgain(words) {
    const told = document.createElement("p");
    told.className = "alert warn";
    told.textContent = words;
    document.getElementById("run-again").append(told);
  }

  function sampled(line) {
    document.getElementById("no-sample")?.remove();
    const figure = document.createElement("figure"), text = document.createElement("div"), below = document.createElement("figcaption");
    figure.className = "sample";
    text.className = "msg ai";
    text.textContent = line.sample;
    below.textContent = `step ${number.format(line.step)}`;
    figure.append(text, below);
    samples.append(figure);
    while (samples.children.length > 6) samples.firstElementChild.remove();
  }

  function stands(said) {
    if (said.steps) {
      progress.max = said.steps;
      progress.value = said.step;
    }
    const where = said.steps ? `Step ${number.format(said.step)} of ${number.format(said.steps)}, slice ${said.slice} of ${said.slices}. ` : "";
    words.textContent = where + said.phase.charAt(0).toUpperCase() + said.phase.slice(1) + ".";
  }

  function open() {
    source?.close();
    // Everything is drawn from the stream; what the server drew is for a browser without scripts.
    if (!last) {
      samples.querySelectorAll(".sample").forEach((one) => one.remove());
      document.getElementById("run-again").replaceChildren();
    }
    source = new EventSource(`${run.dataset.events}?after=${last}`);
    const on = (name, what) => source.addEventListener(name, (event) => {
      heard = Date.now();
      if (event.lastEventId) last = Number(event.lastEventId);
      what(JSON.parse(event.data));
    });
    on("lines", took);
    on("state", stands);
    on("over", (said) => { source.close(); clearInterval(watch); stands(said); location.reload(); });
  }

  open();
  // A connection may be dead without a word, as after sleep; the server speaks every ten seconds.
  const watch = setInterval(() => { if (Date.now() - heard > 25000) { heard = Date.now(); open(); } }, 5000);
  addEventListener("pagehide", () => source.close());
  addEventListener("pageshow", (event) => { if (event.persisted) open(); });
});
