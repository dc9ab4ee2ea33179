/** What is watched of processes, sampled once a second: the time in fifths. */
export class Samples {
  readonly #samples = new Map<string, number[]>();

  add(name: string, value: number): void {
    const known = this.#samples.get(name);
    if (known === undefined) this.#samples.set(name, [value]);
    else known.push(value);
  }

  /** null: there are too few. */
  of(name: string): Use | null {
    const samples = this.#samples.get(name) ?? [];
    const fifth = Math.floor(samples.length / 5);
    if (fifth === 0) return null;
    const early = most(samples.slice(fifth, 2 * fifth));
    return { early, late: most(samples.slice(-fifth)), peak: most(samples) };
  }
}

/** The most in the second and in the last fifth, and ever. */
export interface Use {
  readonly early: number;
  readonly late: number;
  readonly peak: number;
}

function most(values: readonly number[]): number {
  return values.reduce((highest, value) => Math.max(highest, value), 0);
}
