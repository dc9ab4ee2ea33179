import { parseArgs } from 'node:util';
import { type Counts, runOnFiles, runOnKafka, total } from './run.js';

const USAGE = `npm run tamper -- [--cases N] [--minutes M] [--seed S] [--stream file|kafka|both]

Sealed logs, each changed on the disk of the stopped stream in one of many ways or in none, and then
verified in order, by several walkers, with a memory, by what is new, replayed and proven.
  --cases N     at least so many (default 10000)
  --minutes M   instead: as many as fit into M minutes
  --seed S      of the first case (default 1); each case has its own, and prints it when it fails
  --stream      default both: one in four on a real Kafka, the others on file:
Exit code 0: nothing unseen, no false alarm, no difference between the ways of verifying. 1: some.
2: it could not be run.
`;

const SHARE_OF_KAFKA = 4;

function tell(message: string): void {
  process.stderr.write(`${message}\n`);
}

async function main(): Promise<number> {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({
    options: { cases: text, minutes: text, seed: text, stream: text, help: { type: 'boolean' } },
  });
  if (values.help === true) {
    process.stdout.write(USAGE);
    return 0;
  }
  const { stream = 'both' } = values;
  const seed = number('seed', values.seed ?? '1');
  const minutes = values.minutes === undefined ? null : number('minutes', values.minutes);
  const cases = minutes === null ? number('cases', values.cases ?? '10000') : Infinity;
  const until = minutes === null ? Infinity : performance.now() + minutes * 60_000;
  const onKafka = stream === 'both' ? 1 / SHARE_OF_KAFKA : Number(stream === 'kafka');
  const started = performance.now();
  const half = minutes === null ? Infinity : performance.now() + minutes * 60_000 * (1 - onKafka);
  const counts: Counts[] = [];
  if (onKafka < 1) counts.push(await runOnFiles(seed, cases * (1 - onKafka), half, tell));
  if (onKafka > 0) {
    const ran = await runOnKafka(seed + 1_000_000, cases * onKafka, until, tell);
    if ('skip' in ran) {
      tell(`not run on Kafka: ${ran.skip}`);
      return 2;
    }
    counts.push(ran);
  }
  const all = total(counts);
  const seconds = Math.round((performance.now() - started) / 1000);
  process.stdout.write(`${JSON.stringify({ ...all, seconds }, null, 2)}\n`);
  return all.unseen + all.falseAlarms + all.differences === 0 ? 0 : 1;
}

function number(name: string, word: string): number {
  const value = Number(word);
  if (Number.isFinite(value) && value > 0) return value;
  throw new Error(`--${name} ${word}: a number above 0 is expected`);
}

try {
  process.exitCode = await main();
} catch (error) {
  tell(error instanceof Error ? (error.stack ?? error.message) : String(error));
  process.exitCode = 2;
}
