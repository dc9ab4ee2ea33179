const MOST_EXAMPLES = 5;

/** Counts of what must not be, each with the first few cases. */
export class Findings {
  readonly #counts = new Map<string, { count: number; readonly examples: string[] }>();

  /** Names them all beforehand, so that a zero is printed too. */
  constructor(names: readonly string[]) {
    for (const name of names) this.#counts.set(name, { count: 0, examples: [] });
  }

  add(name: string, example: string): void {
    const entry = this.#counts.get(name);
    if (entry === undefined) throw new Error(`no finding is called ${name}`);
    entry.count += 1;
    if (entry.examples.length < MOST_EXAMPLES) entry.examples.push(example);
  }

  get entries(): readonly (readonly [
    name: string,
    found: { readonly count: number; readonly examples: readonly string[] },
  ])[] {
    return [...this.#counts];
  }

  get clean(): boolean {
    return this.entries.every(([, { count }]) => count === 0);
  }
}
