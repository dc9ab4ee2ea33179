import { type Finding, type FindingCode, finding } from './verdict.js';

const KEPT = 100;

/**
 * Findings about single records of the checkpoint topic, by the partition they speak of (null: none
 * can be told). A principal that may write to that topic can write millions of bad records: the
 * first are kept, the rest counted, and the count concerns every partition.
 */
export class RecordFindings {
  readonly #kept: { readonly partition: number | null; readonly finding: Finding }[] = [];
  readonly #dropped = new Map<FindingCode, number>();

  add(partition: number | null, code: FindingCode, message: string): void {
    if (this.#kept.length < KEPT) {
      this.#kept.push({ partition, finding: finding(code, message) });
    } else {
      this.#dropped.set(code, (this.#dropped.get(code) ?? 0) + 1);
    }
  }

  get empty(): boolean {
    return this.#kept.length === 0;
  }

  /**
   * What concerns `partition`; `unplaced`: also what no partition can be told for, or one that is not
   * among the `count` that are reported: whoever names it wrote that number.
   */
  of(partition: number, unplaced: boolean, count: number): Finding[] {
    const found = this.#kept
      .filter((kept) =>
        kept.partition === null || kept.partition >= count
          ? unplaced
          : kept.partition === partition,
      )
      .map((kept) => kept.finding);
    for (const [code, count] of this.#dropped) {
      found.push(finding(code, `${count} more records of the checkpoint topic are like this`));
    }
    return found;
  }
}
