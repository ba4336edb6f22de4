"use strict";
(() => {
  const facts = JSON.parse(document.getElementById("facts").textContent);
  const at = (id) => document.getElementById(id);
  const began = performance.now() - facts.elapsed * 1000;
  const clock = setInterval(tick, 500);
  let condition = facts.condition, source = null, over = false;

  function tick() {
    const seconds = Math.floor((performance.now() - began) / 1000);
    at("elapsed").textContent =
      Math.floor(seconds / 60) + ":" + String(seconds % 60).padStart(2, "0");
  }

  function say(text) {
    // A live region is read out whenever it is written: only news is.
    if (at("what").textContent !== text) at("what").textContent = text;
  }

  function show(phase) {
    const now = facts.phases.indexOf(phase);
    [...at("steps").children].forEach((step, index) => {
      step.className = index < now ? "done" : "";
      if (index === now) step.setAttribute("aria-current", "step");
      else step.removeAttribute("aria-current");
    });
    at("steps").dataset.phase = phase;
    say((phase !== "Ready" && facts.reasons[condition.reason]) || facts.texts[phase]);
  }

  function stop() {
    over = true;
    clearInterval(clock);
    if (source) source.close();
  }

  function fail(texts, detail) {
    stop();
    document.title = at("failure-title").textContent = texts.title;
    at("failure-text").textContent = texts.text;
    at("detail").textContent = detail || "";
    at("detail").hidden = !detail;
    at("waiting").hidden = true;
    at("failure").hidden = false;
  }

  function take(status) {
    if (over) return;
    if (!status.has_session) return fail(facts.ended);
    if (status.phase === "Failed") return fail(facts.failed, condition.message);
    show(status.phase);
    if (status.phase === "Ready") again();
  }

  function again() {
    stop();
    location.reload();
  }

  async function poll() {
    try {
      const answer = await fetch(facts.status, { cache: "no-store" });
      if (answer.ok) take(await answer.json());
      else if (answer.status === 401) again();
    } catch { /* away for a moment */ }
    if (!over) setTimeout(poll, 2000);
  }

  function listen() {
    source = new EventSource(facts.events);
    source.addEventListener("condition", (event) => {
      condition = JSON.parse(event.data);
      if (condition.message === null) show(at("steps").dataset.phase);
    });
    source.addEventListener("status", (event) => take(JSON.parse(event.data)));
    source.addEventListener("error", () => {
      // It connects again by itself, but for a refusal.
      if (source.readyState === EventSource.CLOSED && !over) poll();
    });
  }

  if (window.EventSource) listen();
  else poll();
})();
