/** Resident sets of those that are watched, sampled once a second. */
export class MemoryRecord {
  readonly #samples = new Map<string, number[]>();

  add(name: string, bytes: number): void {
    const known = this.#samples.get(name);
    if (known === undefined) this.#samples.set(name, [bytes]);
    else known.push(bytes);
  }

  /** Peaks in bytes, of the second and of the last fifth of the time; null before there are any. */
  of(name: string): MemoryUse | null {
    const samples = this.#samples.get(name) ?? [];
    const fifth = Math.floor(samples.length / 5);
    if (fifth === 0) return null;
    const early = Math.max(...samples.slice(fifth, 2 * fifth));
    const late = Math.max(...samples.slice(-fifth));
    return { early, late, peak: Math.max(...samples) };
  }
}

export interface MemoryUse {
  readonly early: number;
  readonly late: number;
  readonly peak: number;
}
