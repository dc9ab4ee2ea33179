import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join, relative } from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { PROJECT } from './support/kafka/jars.js';
import {
  ABSENT_VARIABLE,
  BROKERS_VARIABLE,
  REQUIRE_VARIABLE,
  type SharedKafka,
  sharedKafka,
} from './support/kafka.js';

// `npm test`: every room in this order, or those named: node dist/test/run.js unit cli
const ROOMS = ['unit', 'contract', 'kafka', 'cli'];
const WITHOUT_KAFKA = 'unit';
/** Only where named: it starts Kafkas of its own. */
const ON_REQUEST = ['versions'];
const FILE_TIMEOUT = 20 * 60_000;

interface Totals {
  files: number;
  passed: number;
  failed: number;
  skipped: number;
}

/** Compiled test files of a room whose source still exists, in the order of their names. */
async function testFiles(room: string): Promise<string[]> {
  const compiled = join(PROJECT, 'dist', 'test');
  const folder = join(compiled, room);
  if (!existsSync(folder)) return [];
  const names = await readdir(folder, { recursive: true });
  return names
    .filter((name) => name.endsWith('.test.js'))
    .map((name) => join(folder, name))
    .filter((file) => {
      const source = relative(compiled, file).replace(/\.js$/, '.ts');
      return existsSync(join(PROJECT, 'test', source));
    })
    .sort();
}

/** So many of the tests that take longest are named: there the time of a run goes. */
const SLOWEST = 10;

async function runFiles(files: string[], totals: Totals): Promise<void> {
  if (files.length === 0) return;
  const taken: { readonly name: string; readonly seconds: number }[] = [];
  const concurrency = Math.max(2, availableParallelism());
  const events = run({ files, concurrency, timeout: FILE_TIMEOUT });
  events.on('test:fail', () => {
    totals.failed += 1;
  });
  events.on('test:pass', (data) => {
    const { name, nesting, details } = data;
    if (nesting === 0) taken.push({ name, seconds: details.duration_ms / 1000 });
    if (data.skip !== undefined) totals.skipped += 1;
    else if (data.details.type !== 'suite') totals.passed += 1;
  });
  const report = events.pipe(new spec());
  report.pipe(process.stdout, { end: false });
  await new Promise<void>((resolve, reject) => {
    report.once('end', resolve);
    report.once('error', reject);
  });
  totals.files += files.length;
  const slowest = taken.sort((a, b) => b.seconds - a.seconds).slice(0, SLOWEST);
  for (const { name, seconds } of slowest) {
    process.stdout.write(`${seconds.toFixed(0).padStart(5)} s  ${name}\n`);
  }
}

async function announceKafka(kafka: Promise<SharedKafka | { skip: string }>): Promise<void> {
  const found = await kafka;
  if ('skip' in found) {
    process.env[ABSENT_VARIABLE] = found.skip;
    process.stdout.write(`\nTests on a real Kafka are skipped: ${found.skip}\n\n`);
  } else {
    process.env[BROKERS_VARIABLE] = found.bootstrap;
    process.stdout.write(`\nTests run against Kafka at ${found.bootstrap} (${found.source})\n\n`);
  }
}

async function main(): Promise<number> {
  const asked = process.argv.slice(2);
  const known = [...ROOMS, ...ON_REQUEST];
  const unknown = asked.find((room) => !known.includes(room));
  if (unknown !== undefined) {
    process.stderr.write(`no test room "${unknown}"; there are ${known.join(', ')}\n`);
    return 64;
  }
  const rooms = asked.length === 0 ? ROOMS : known.filter((room) => asked.includes(room));
  const totals: Totals = { files: 0, passed: 0, failed: 0, skipped: 0 };
  const sharing = rooms.some((room) => room !== WITHOUT_KAFKA && !ON_REQUEST.includes(room));
  const kafka = sharing ? sharedKafka() : null;
  // Awaited after the unit tests: a failure in between must not count as unhandled.
  kafka?.catch(() => {});
  try {
    if (rooms.includes(WITHOUT_KAFKA)) await runFiles(await testFiles(WITHOUT_KAFKA), totals);
    if (kafka !== null) await announceKafka(kafka);
    const rest = rooms.filter((room) => room !== WITHOUT_KAFKA);
    await runFiles((await Promise.all(rest.map(testFiles))).flat(), totals);
  } finally {
    const started = await kafka?.catch(() => null);
    if (started != null && 'close' in started) await started.close();
  }
  return verdict(totals);
}

function verdict(totals: Totals): number {
  const { files, passed, failed, skipped } = totals;
  process.stdout.write(
    `\n${files} files: ${passed} passed, ${failed} failed, ${skipped} skipped\n`,
  );
  if (files === 0) process.stdout.write('no test files: run `npm run build` first\n');
  if (failed > 0 || files === 0) return 1;
  if (skipped > 0 && process.env[REQUIRE_VARIABLE] === '1') {
    process.stdout.write(`${REQUIRE_VARIABLE}=1: a skipped test is a failure\n`);
    return 1;
  }
  return 0;
}

process.exitCode = await main();
