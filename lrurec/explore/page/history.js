"use strict";
// A history that can be typed and changed, and what the model makes of it: ten best items, what it remembers, its states.

class HistoryPlayground {
  constructor(model, data) {
    // chosen(block, channel) and edited() are for who listens: a state was chosen, or something is computed again.
    Object.assign(this, { model, data, items: [], earlier: [], candidate: null, before: new Map(), pass: 0, place: 0, chosen: () => {}, edited: () => {} });
    this.numbers = new Map(data.items.map((raw, i) => [raw, i + 1]));
    const L = model.config.max_length;
    this.user = el("select", { id: "user" }, ...data.users.map(({ user }, i) => el("option", { value: i }, user)));
    this.entry = el("input", { id: "entry", list: "matches", size: "28", placeholder: data.titles ? "id or title" : "id of an item", autocomplete: "off" });
    this.matches = el("datalist", { id: "matches" });
    const add = el("button", { id: "add", type: "button" }, "Add"), clear = el("button", { id: "clear", type: "button" }, "Empty"),
      restore = el("button", { id: "restore", type: "button" }, "The user's own");
    this.seen = el("input", { id: "include-seen", type: "checkbox" });
    this.message = el("p", { class: "note", id: "history-message", role: "status" });
    this.list = el("ol", { class: "history", id: "history", "aria-label": "history, oldest first; arrow keys go from button to button" });
    this.top = el("div", { id: "top" });
    this.memory = el("div", { id: "memory" });
    this.states = el("div", { id: "states" });
    this.chooser = el("strong", { id: "candidate" });

    const own = () => this.takeUser(data.users[Number(this.user.value)]);
    this.user.addEventListener("input", own);
    restore.addEventListener("click", own);
    this.entry.addEventListener("input", () => this.suggest());
    this.entry.addEventListener("keydown", (event) => { if (event.key === "Enter") this.addTyped(); });
    add.addEventListener("click", () => this.addTyped());
    clear.addEventListener("click", () => { this.earlier = []; this.take([]); });
    this.seen.addEventListener("input", () => this.update());
    this.list.addEventListener("focusin", ({ target }) => this.enter(this.buttons().indexOf(target)));
    this.list.addEventListener("keydown", (event) => {
      const step = { ArrowUp: -3, ArrowDown: 3, ArrowLeft: -1, ArrowRight: 1 }[event.key];
      const all = this.buttons(), at = all.indexOf(event.target);
      if (!step || at < 0) return;
      event.preventDefault();
      if (all[at + step]) all[at + step].focus();
    });
    section("A history, and what the model makes of it",
      `The last ${whole(L)} items count. Add one by its id${data.titles ? " or title" : ""}, take one out, move one earlier or later: everything below follows, ` +
      "computed here from the run's weights.",
      el("div", { class: "controls" }, el("label", {}, "user ", this.user), restore, el("label", {}, "item ", this.entry), this.matches, add, clear,
        el("label", {}, this.seen, " seen items are candidates")),
      this.message,
      el("div", { class: "charts" },
        el("div", { class: "chart" }, el("h3", {}, "History, oldest first"), this.list),
        el("div", { class: "chart" }, el("h3", {}, "Ten best next items"), this.top)),
      el("div", { class: "chart wide" }, el("h3", {}, "What it remembers"),
        el("p", { class: "note" }, "Share of each block's last state that came in with the item (block 1 exactly; later blocks see features that hold earlier items " +
          "already), and what the score of ", this.chooser, " would lose without the item, in whose place an older one is read where there is one."), this.memory),
      el("div", { class: "chart wide" }, el("h3", {}, "The states now"),
        el("p", { class: "note" }, "|h| of every channel of each block after the last item, the largest strongest; choose one to see its eigenvalue."), this.states));
  }

  name(item) {
    const title = this.data.titles && this.data.titles[item - 1];
    return title || this.data.items[item - 1];
  }

  /** Up to twenty items that what is typed may mean. */
  suggest() {
    const typed = this.entry.value.trim().toLowerCase();
    if (!typed) return;
    const found = [];
    for (let i = 0; i < this.data.items.length && found.length < 20; ++i) {
      const raw = this.data.items[i], title = (this.data.titles && this.data.titles[i]) || "";
      if (raw.toLowerCase().startsWith(typed) || title.toLowerCase().includes(typed)) found.push(el("option", { value: raw }, title || raw));
    }
    this.matches.replaceChildren(...found);
  }

  /** An id, or a title that only one item has or begins like. */
  find(text) {
    if (this.numbers.has(text)) return this.numbers.get(text);
    if (!this.data.titles) return undefined;
    const lower = text.toLowerCase();
    const whose = (test) => this.data.titles.map((title, i) => (title && test(title.toLowerCase()) ? i + 1 : 0)).filter(Boolean);
    for (const test of [(t) => t === lower, (t) => t.startsWith(lower), (t) => t.includes(lower)]) {
      const found = whose(test);
      if (found.length) return found.length === 1 ? found[0] : undefined;
    }
    return undefined;
  }

  addTyped() {
    const text = this.entry.value.trim();
    if (!text) return;
    const item = this.find(text);
    if (item === undefined) {
      this.message.textContent = `No single item is called “${text}”; choose one of the list.`;
      return;
    }
    this.entry.value = "";
    this.take([...this.items, item], true);
  }

  takeUser({ items, earlier }) {
    this.earlier = earlier;
    this.take(items, true);
  }

  /** atEnd: whether the newest items are to be seen. The last max_length are read; those before are still seen items. */
  take(items, atEnd = false) {
    const all = [...this.earlier, ...items], left = Math.max(0, all.length - this.model.config.max_length);
    this.earlier = all.slice(0, left);
    this.items = all.slice(left);
    if (atEnd) this.place = 3 * (this.items.length - 1);
    this.update();
    if (atEnd) this.list.scrollTop = this.list.scrollHeight;
  }

  /** `compared`: what the ranks are compared with, the last list unless it is given. */
  update(compared = new Map((this.found || []).map(({ item }, rank) => [item, rank]))) {
    this.before = compared;
    this.edited();
    this.message.textContent = `${whole(this.items.length)} items`;
    this.drawHistory();
    ++this.pass;  // what an earlier pass still computes is dropped
    if (this.items.length === 0) {
      for (const part of [this.top, this.memory, this.states]) part.replaceChildren(el("p", { class: "note" }, "The history is empty."));
      return;
    }
    this.tokens = this.model.run(this.items);
    const excluded = new Set(this.seen.checked ? [] : [...this.earlier, ...this.items]);
    this.found = this.model.best(this.tokens.at(-1).row, 10, excluded);
    if (!this.found.some(({ item }) => item === this.candidate)) this.candidate = this.found.length ? this.found[0].item : this.items.at(-1);
    this.drawTop();
    this.drawMemory(this.pass);
    this.drawStates();
  }

  /** Three of each item, one after the other. */
  buttons() { return [...this.list.querySelectorAll("button")]; }

  /** The list is one stop of the tab key: its button number `place`. */
  enter(place) {
    const all = this.buttons();
    this.place = Math.max(0, Math.min(place, all.length - 1));
    all.forEach((button, i) => { button.tabIndex = i === this.place ? 0 : -1; });
  }

  drawHistory() {
    // The same button of where the item is then keeps the focus, so that a key can move it by several places.
    const button = (text, what, t, to, f) => {
      const b = el("button", { type: "button", title: what, "aria-label": what }, text);
      b.addEventListener("click", () => {
        const items = [...this.items];
        f(items);
        this.take(items);
        const moved = this.items.length - items.length;  // by older items that are read now
        const row = this.list.children[Math.min(to + moved, this.items.length - 1)];
        if (row) [...row.querySelectorAll("button")].find((other) => other.textContent === text).focus();
      });
      return b;
    };
    const exchange = (all, a, b) => { if (all[a] !== undefined && all[b] !== undefined) [all[a], all[b]] = [all[b], all[a]]; };
    this.list.replaceChildren(...this.items.map((item, t) => el("li", {},
      el("span", {}, this.name(item)),
      button("↑", `${this.name(item)} one earlier`, t, Math.max(0, t - 1), (all) => exchange(all, t - 1, t)),
      button("↓", `${this.name(item)} one later`, t, t + 1, (all) => exchange(all, t, t + 1)),
      button("✕", `without ${this.name(item)}`, t, t, (all) => all.splice(t, 1)))));
    this.enter(this.place);
  }

  drawTop() {
    const rows = this.found.map(({ item, score }, rank) => {
      const choose = el("button", { type: "button", class: "link", "data-item": this.data.items[item - 1] }, this.name(item));
      choose.addEventListener("click", () => { this.candidate = item; this.drawTop(); this.drawMemory(++this.pass); });
      const was = this.before.get(item);
      const moved = this.before.size === 0 ? "" : was === undefined ? "new" : was === rank ? "" : was > rank ? `▲ ${was - rank}` : `▼ ${rank - was}`;
      const cells = [String(rank + 1), choose, fixed(score), moved];
      cells.marked = item === this.candidate;
      return cells;
    });
    this.top.replaceChildren(table([["", "item", "score", "moved"], ...rows]));
    this.chooser.textContent = this.name(this.candidate);
  }

  /** In pieces, so that the page answers while it computes; the newest items first. */
  drawMemory(pass) {
    const { model, items, tokens, candidate } = this;
    const longer = this.earlier.length ? model.run([this.earlier.at(-1), ...items]) : tokens;
    const shares = model.lru.map((_, b) => model.shares(tokens, b));
    const bar = (value, most) => el("span", { class: value < 0 ? "bar negative" : "bar",
      style: `width: ${(100 * Math.min(1, Math.abs(value) / (most || 1))).toFixed(1)}%` });
    const most = shares.map((of) => Math.max(...of.map(Math.abs)));
    const changes = items.map(() => el("td", {}, "…"));
    const head = ["item", "ago", ...shares.map((_, b) => `state ${b + 1}`), "score change"];
    const rows = items.map((item, t) => el("tr", { "data-t": t },
      el("td", {}, this.name(item)), el("td", {}, String(items.length - 1 - t)),
      ...shares.map((of, b) => el("td", { class: "share", "data-value": of[t] }, bar(of[t], most[b]), `${(100 * of[t]).toFixed(1)}%`)), changes[t])).reverse();
    this.memory.replaceChildren(el("div", { class: "scroll tall" },
      el("table", {}, el("thead", {}, el("tr", {}, ...head.map((text) => el("th", {}, text)))), el("tbody", {}, ...rows))));
    let t = items.length - 1;
    const work = () => {
      const until = performance.now() + 25;
      while (t >= 0 && performance.now() < until) {
        if (pass !== this.pass) return;
        const change = model.scoreChange(items, tokens, longer, t, candidate);
        changes[t].textContent = change === null ? "" : `${change >= 0 ? "+" : "−"}${Math.abs(change).toFixed(4)}`;
        changes[t].dataset.value = change === null ? "" : change;
        --t;
      }
      if (t >= 0) setTimeout(work, 0);
      else this.memory.dataset.ready = pass;
    };
    delete this.memory.dataset.ready;
    work();
  }

  drawStates() {
    const last = this.tokens.at(-1);
    this.states.replaceChildren(...last.blocks.map(({ state }, b) => {
      const D = state.length / 2;
      const sizes = Array.from({ length: D }, (_, k) => Math.hypot(state[2 * k], state[2 * k + 1]));
      const most = Math.max(...sizes) || 1;
      return el("div", { class: "state", role: "group", "aria-label": `states of block ${b + 1}` }, el("small", {}, `block ${b + 1}`), ...sizes.map((size, k) => {
        const what = `block ${b + 1}, channel ${k + 1}: |h| ${size.toFixed(3)}`;
        const cell = el("button", { type: "button", tabindex: k ? "-1" : "0", style: `opacity: ${(0.06 + 0.94 * size / most).toFixed(3)}`,
          title: what, "aria-label": what });
        cell.addEventListener("click", () => this.chosen(b, k));
        cell.addEventListener("keydown", (event) => {
          const next = event.key === "ArrowRight" ? cell.nextElementSibling : event.key === "ArrowLeft" ? cell.previousElementSibling : null;
          if (next && next.tagName === "BUTTON") next.focus();
        });
        return cell;
      }));
    }));
  }
}
