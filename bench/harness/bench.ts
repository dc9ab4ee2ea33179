import type { BenchOptions, RecordSize } from '../options.js';
import type { Absent, Contender } from './contender.js';
import type { BenchResult } from './result.js';
import type { Place, Scene } from './scene.js';

export interface Bench {
  readonly name: string;
  /** What is measured and what inside the time, in one line. */
  readonly title: string;
  readonly kind: BenchResult['kind'];
  readonly place: Place;
  /** The counts of records by themselves; `named`: the bench was asked for by name. */
  records(named: boolean): readonly number[];
  /** One table for all counts of records, instead of one for each. */
  readonly together?: boolean;
  contenders(scene: Scene, task: Task): Promise<readonly (Contender | Absent)[]>;
}

export interface Task {
  readonly records: readonly number[];
  readonly size: RecordSize;
  readonly partitions: number;
  readonly workers: readonly number[];
}

/** One table each, in order. */
export function tasksOf(bench: Bench, options: BenchOptions): Task[] {
  const records = options.records ?? bench.records(options.names.length > 0);
  const { sizes, partitions, workers } = options;
  const counts = bench.together === true ? [records] : records.map((count) => [count]);
  return sizes.flatMap((size) =>
    counts.map((some) => ({ records: some, size, partitions, workers })),
  );
}

/** Those whose name is one of `names` or begins with it; all without names. Throws on a name of none. */
export function selectBenches(all: readonly Bench[], names: readonly string[]): readonly Bench[] {
  const fits = (bench: Bench, name: string): boolean =>
    bench.name === name || bench.name.startsWith(`${name}-`);
  for (const name of names) {
    if (all.some((bench) => fits(bench, name))) continue;
    throw new Error(`${name}: no such bench; there are ${all.map((one) => one.name).join(', ')}`);
  }
  if (names.length === 0) return all;
  return all.filter((bench) => names.some((name) => fits(bench, name)));
}

/** The only count of a task of a bench that is not `together`. */
export function countOf(task: Task): number {
  const [count] = task.records;
  if (count === undefined) throw new Error('a task without a count of records');
  return count;
}
