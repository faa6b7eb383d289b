// When tasks exist: that of an agent from its start to its end, those of a block only while its function is called.

const [ALIVE, OVER, ON_DEMAND] = ["alive", "over", "on demand"];

/** Keeps when the tasks of one run exist. */
export class Lives {
  onDemand = false; // whether there are blocks
  #lives = new Map(); // by the name of the row: {start, end}, in seconds

  /** Forget everything, because another run begins. */
  clear() {
    this.onDemand = false;
    this.#lives.clear();
  }

  /** Take the state of the network. */
  set({ nodes, seconds }) {
    this.onDemand = nodes.some(({ task }) => task === ON_DEMAND);
    for (const { label, task, lived } of nodes) {
      if (task !== ALIVE && task !== OVER) continue;
      const known = this.#lives.get(nameOf(label));
      const start = known?.start ?? (task === ALIVE ? Math.max(0, seconds - lived) : 0); // agents start with the network
      this.#lives.set(nameOf(label), { start, end: task === ALIVE ? Infinity : start + lived });
    }
  }

  /** When the task of a row exists; undefined if the row has no task of its own. */
  of(row) {
    return this.#lives.get(nameOf(row.stage));
  }

  get known() {
    return this.onDemand || this.#lives.size > 0;
  }
}

/** What exists now, in sentences. */
export function tasksOf(nodes) {
  const own = nodes.filter(({ task }) => task === ALIVE || task === OVER);
  const called = nodes.filter(({ task }) => task === ON_DEMAND);
  const sum = (name) => called.reduce((total, node) => total + node[name], 0);
  const alive = own.filter(({ task }) => task === ALIVE).length;
  return { agents: own.length, alive, blocks: called.length, calls: sum("inWork"), ended: sum("done") };
}

function nameOf(text) {
  return text.toLowerCase();
}
