import { parseArgs } from 'node:util';
import { fuzzProtocol, newCounts } from '../test/support/protocol-fuzz.js';

// npm run fuzz -- --count 1000000 --seed 1
// Exit 0: every mutated response ended as it must; 1: not, or slowly, or with too much memory.
const SLICE = 10_000;
const LONGEST_MS = 1_000;
const MOST_BYTES = 64 * 1024 * 1024;

const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '1000000' },
    seed: { type: 'string', default: '1' },
  },
});
const count = Number(values.count);
const seed = Number(values.seed);
if (!Number.isSafeInteger(count) || count < 1 || !Number.isSafeInteger(seed)) {
  process.stderr.write('usage: npm run fuzz -- [--count N] [--seed S]\n');
  process.exit(64);
}

let largestBuffer = 0;
for (const name of ['alloc', 'allocUnsafe', 'allocUnsafeSlow'] as const) {
  const original = Buffer[name];
  Reflect.set(Buffer, name, (size: number, ...rest: []) => {
    largestBuffer = Math.max(largestBuffer, size);
    return original.call(Buffer, size, ...rest);
  });
}

const counts = newCounts();
const started = performance.now();
// Once without counting, so that what the process needs at all is not taken for an allocation.
fuzzProtocol(Math.min(count, SLICE), seed - 1, newCounts());
const before = process.memoryUsage().rss;
let most = before;
for (let done = 0; done < count; done += SLICE) {
  fuzzProtocol(Math.min(SLICE, count - done), seed + done, counts);
  most = Math.max(most, process.memoryUsage().rss);
}
const result = {
  ...counts,
  largestBuffer,
  memoryGrowth: most - before,
  seconds: Math.round((performance.now() - started) / 1000),
};
process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
const isGood = counts.longestMs <= LONGEST_MS && largestBuffer <= MOST_BYTES;
process.exitCode = isGood ? 0 : 1;
