import { parseArgs } from 'node:util';

export interface ChaosOptions {
  readonly minutes: number;
  readonly seed: number;
  /** Events a second, over all publishers. */
  readonly rate: number;
  readonly publishers: number;
  readonly sealers: number;
  readonly partitions: number;
  readonly json: boolean;
  /** Keep the folder of notes and logs after a good run too. */
  readonly keep: boolean;
}

export const USAGE = `npm run chaos -- [--minutes N] [--seed S] [--rate N] [--json] [--keep]
                 [--publishers N] [--sealers N] [--partitions N]

A three-broker Kafka under load while brokers, connections and processes fail; then an audit.
  --minutes N     how long things fail (default 1); start, catching up and audit come on top
  --seed S        which faults, a whole number (default: of the time; it is printed)
  --rate N        events a second over all publishers (default 20000)
  --publishers N  default 3; the first one is never killed
  --sealers N     default 3; the first one is never killed
  --partitions N  default 6
  --json          print the result as one JSON document
  --keep          keep the folder with notes and logs (a failed run always does)
Exit code 0: every count that must be zero is. 1: one is not. 2: it could not be run.
`;

/** Throws on what it does not know. */
export function parseOptions(words: readonly string[]): ChaosOptions | 'help' {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean' } as const;
  const { values } = parseArgs({
    args: [...words],
    options: {
      minutes: text,
      seed: text,
      rate: text,
      publishers: text,
      sealers: text,
      partitions: text,
      json: flag,
      keep: flag,
      help: { ...flag, short: 'h' },
    },
  });
  if (values.help === true) return 'help';
  return {
    minutes: number('minutes', values.minutes, 1, 0.1, 24 * 60),
    seed: whole('seed', values.seed, Date.now() % 1_000_000, 0, 2 ** 31),
    rate: whole('rate', values.rate, 20_000, 1, 1_000_000),
    publishers: whole('publishers', values.publishers, 3, 1, 64),
    sealers: whole('sealers', values.sealers, 3, 1, 16),
    partitions: whole('partitions', values.partitions, 6, 1, 256),
    json: values.json === true,
    keep: values.keep === true,
  };
}

function number(
  name: string,
  given: string | undefined,
  byDefault: number,
  low: number,
  high: number,
): number {
  const value = given === undefined ? byDefault : Number(given);
  if (value >= low && value <= high) return value;
  throw new Error(`--${name} ${given}: expected a number from ${low} to ${high}`);
}

function whole(
  name: string,
  given: string | undefined,
  byDefault: number,
  low: number,
  high: number,
): number {
  const value = number(name, given, byDefault, low, high);
  if (Number.isInteger(value)) return value;
  throw new Error(`--${name} ${given}: expected a whole number`);
}
