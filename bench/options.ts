import { availableParallelism } from 'node:os';

/** Bytes of a record's value, or real CloudTrail events. */
export type RecordSize = number | 'cloudtrail';

export interface BenchOptions {
  /** Benches by name or by the first part of it; empty: all. */
  readonly names: readonly string[];
  /** null: what each bench does by itself. */
  readonly records: readonly number[] | null;
  readonly sizes: readonly RecordSize[];
  readonly runs: number;
  readonly workers: readonly number[];
  readonly partitions: number;
  /** host:port[,…] of a Kafka that is there; null: one is started. */
  readonly brokers: string | null;
  readonly json: string;
}

export const USAGE = `npm run bench -- [NAME…] [--records N…] [--size BYTES…] [--runs R] [--workers N…]
                 [--partitions N] [--brokers HOST:PORT] [--json FILE]

Measures this build beside kafkajs, Kafka's Java clients and a loop that only hashes.
  NAME            seal-kafka, seal-file, verify-kafka, … or the first part, such as seal (default: all)
  --records N…    records a run; 1m and 10k are understood
  --size BYTES…   of a record's value (default 300); \`cloudtrail\`: the real events in the folder that
                  SEALSTREAM_CLOUDTRAIL names
  --runs R        of every contender, in turn (default 5)
  --workers N…    threads of ours and of the hash loop (default 1 and the machine's cores)
  --partitions N  default 4
  --brokers LIST  a Kafka that is there, instead of one started for this
  --json FILE     default bench-results.json
`;

const DEFAULT_SIZE = 300;
const MOST = 1_000_000_000;
const UNITS: Readonly<Record<string, number>> = { k: 1_000, m: 1_000_000 };

const MANY = new Set(['records', 'size', 'workers']);
const ONE = new Set(['runs', 'partitions', 'brokers', 'json']);

/** Throws on what it does not know. */
export function parseOptions(words: readonly string[]): BenchOptions | 'help' {
  if (words.includes('--help') || words.includes('-h')) return 'help';
  const { names, values } = split(words);
  const numbers = (name: string, low: number, high: number): number[] | null =>
    values.get(name)?.map((word) => whole(name, word, low, high)) ?? null;
  const number = (name: string, byDefault: number, low: number, high: number): number =>
    numbers(name, low, high)?.[0] ?? byDefault;
  return {
    names,
    records: numbers('records', 1, MOST),
    sizes: values.get('size')?.map(sizeOf) ?? [DEFAULT_SIZE],
    runs: number('runs', 5, 1, 1_000),
    workers: numbers('workers', 1, 64) ?? defaultWorkers(availableParallelism()),
    partitions: number('partitions', 4, 1, 10_000),
    brokers: values.get('brokers')?.[0] ?? null,
    json: values.get('json')?.[0] ?? 'bench-results.json',
  };
}

function defaultWorkers(cores: number): number[] {
  return cores === 1 ? [1] : [1, cores];
}

/** Names, then options, each with the words up to the next one. */
function split(words: readonly string[]) {
  const names: string[] = [];
  const values = new Map<string, string[]>();
  let taking = names;
  for (const word of words) {
    if (!word.startsWith('--')) {
      taking.push(word);
      continue;
    }
    const name = word.slice(2);
    if (!MANY.has(name) && !ONE.has(name)) throw new Error(`${word}: there is no such option`);
    if (values.has(name)) throw new Error(`${word}: it is there twice`);
    taking = [];
    values.set(name, taking);
  }
  for (const [name, given] of values) {
    if (given.length === 0) throw new Error(`--${name}: expected a value`);
    if (ONE.has(name) && given.length > 1) throw new Error(`--${name}: expected one value`);
  }
  return { names, values };
}

function sizeOf(word: string): RecordSize {
  return word === 'cloudtrail' ? word : whole('size', word, 1, 900_000);
}

function whole(name: string, word: string, low: number, high: number): number {
  const match = /^(\d{1,12})([km]?)$/i.exec(word);
  const value =
    match === null ? Number.NaN : Number(match[1]) * (UNITS[match[2]?.toLowerCase() ?? ''] ?? 1);
  if (value >= low && value <= high) return value;
  throw new Error(`--${name} ${word}: expected a whole number from ${low} to ${high}`);
}
