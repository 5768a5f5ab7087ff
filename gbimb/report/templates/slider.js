"use strict";
(() => {
  const data = JSON.parse(document.getElementById("report-data").textContent);
  const slider = document.getElementById("slider");
  const all = (selector) => Array.from(document.querySelectorAll(selector));
  const ratio = (part, whole) => (whole > 0 ? part / whole : 0);
  const number = (v) => v.toLocaleString("en-US", { maximumFractionDigits: v % 1 && v < 1000 ? 1 : 0 });
  const percent = (v) => (100 * v).toFixed(1) + "\u00a0%";
  const digits = (v) => Number(v.toPrecision(3)).toString();

  function countsAt(i) {
    const tp = data.tp[i], fp = data.fp[i];
    return { tp, fp, fn: data.positives - tp, tn: data.negatives - fp };
  }

  function ratesOf({ tp, fp, fn, tn }) {
    const rows = tp + fp + fn + tn;
    const spread = Math.sqrt(tp + fp) * Math.sqrt(tp + fn) * Math.sqrt(tn + fp) * Math.sqrt(tn + fn);
    const rates = {
      mcc: ratio(tp * tn - fp * fn, spread).toFixed(3),
      f1: ratio(2 * tp, 2 * tp + fp + fn).toFixed(3),
      precision: percent(ratio(tp, tp + fp)),
      recall: percent(ratio(tp, tp + fn)),
      specificity: percent(ratio(tn, tn + fp)),
      flagged: percent(ratio(tp + fp, rows)),
    };
    return rates;
  }

  function makeMark(name, tag) {
    const svg = document.querySelector(`svg[data-figure="${name}"]`);
    const mark = document.createElementNS(svg.namespaceURI, tag);
    mark.setAttribute("class", "mark");
    return svg.appendChild(mark);
  }

  const movers = Object.entries(data.marks).map(([name, place]) => {
    const mark = makeMark(name, place.y ? "circle" : "line");
    const set = (values) => Object.entries(values).forEach(([k, v]) => mark.setAttribute(k, v));
    if (place.y) return (i) => set({ cx: place.x[i], cy: place.y[i], r: 6 });
    return (i) => set({ x1: place.x[i], x2: place.x[i], y1: place.top, y2: place.bottom });
  });

  /* The slider moves on the axis of the pictures: even in log odds. */
  const logOdds = data.threshold.map((p) => {
    const inside = Math.min(Math.max(p, 1e-7), 1 - 1e-7);
    return Math.log(inside / (1 - inside));
  });
  slider.min = logOdds[0];
  slider.max = logOdds[logOdds.length - 1];

  function nearest(value) {
    let low = 0, high = logOdds.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (logOdds[middle] < value) low = middle + 1;
      else high = middle;
    }
    return low > 0 && value - logOdds[low - 1] < logOdds[low] - value ? low - 1 : low;
  }

  function show(i) {
    const counts = countsAt(i);
    const rates = ratesOf(counts);
    if (data.cost) rates.cost = digits(data.cost[i]);
    const total = { tp: "positives", fn: "positives", fp: "negatives", tn: "negatives" };
    all("[data-cell]").forEach((cell) => {
      const name = cell.dataset.cell;
      const share = ratio(counts[name], data[total[name]]);
      cell.style.setProperty("--share", share);
      cell.querySelector("b").textContent = number(counts[name]);
      cell.querySelector("span").textContent = percent(share);
    });
    all("[data-rate]").forEach((cell) => { cell.textContent = rates[cell.dataset.rate]; });
    const threshold = digits(data.threshold[i]);
    document.getElementById("threshold").textContent = threshold;
    slider.value = logOdds[i];
    slider.dataset.at = i;
    slider.setAttribute("aria-valuetext", threshold);
    movers.forEach((move) => move(i));
  }

  slider.addEventListener("input", () => show(nearest(Number(slider.value))));
  all("button[data-at]").forEach((button) => {
    button.addEventListener("click", () => show(Number(button.dataset.at)));
  });
  /* Arrow keys go to the next threshold, which may be nearer than a step of the slider. */
  slider.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const at = Number(slider.dataset.at) + step;
    show(Math.min(Math.max(at, 0), logOdds.length - 1));
  });
  all(".key[hidden], .slider [hidden]").forEach((part) => { part.hidden = false; });
  show(data.chosen);
})();
