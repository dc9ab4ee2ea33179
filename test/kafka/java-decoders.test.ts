import assert from 'node:assert/strict';
import { after, type TestContext, test } from 'node:test';
import { mutated, randomFrom, withBitTurned } from '../support/batch-mutations.js';
import { codecSeeds } from '../support/codec-seeds.js';
import { JavaReader, readOurselves } from '../support/java-batches.js';
import { DIFFERENCES, explain } from '../support/java-differences.js';
import { skipOrFail } from '../support/kafka.js';

/** Another number makes other mutations; the one of a failure makes them again. */
const SEED_VARIABLE = 'SEALSTREAM_SEED';
const MUTATIONS = 100_000;
/** What a pipe holds: Java reads while we do. */
const ENOUGH_BYTES = 48 * 1024;
/** Of these, most mutations are of the small: as much is done in less time. */
const LARGE_SHARE = 12;

interface Case {
  readonly name: string;
  readonly bytes: Uint8Array;
}

let starting: Promise<JavaReader | { skip: string }> | null = null;

after(async () => {
  const java = await starting;
  if (java !== null && !('skip' in java)) await java.close();
});

function javaTest(
  name: string,
  body: (java: JavaReader, context: TestContext) => Promise<void>,
): void {
  void test(name, async (context) => {
    starting ??= JavaReader.start();
    const java = await starting;
    if ('skip' in java) return skipOrFail(context, java.skip);
    await body(java, context);
  });
}

/** Fails at a difference that is not listed; how often each kind was met. */
async function compare(java: JavaReader, cases: Iterable<Case>, context: TestContext) {
  const met = new Map<string, number>();
  let count = 0;
  let read = 0;
  for (const some of inParts(cases)) {
    const asked = java.read(some.map(({ bytes }) => bytes));
    const ours = some.map(({ bytes }) => readOurselves(bytes));
    for (const [index, theirs] of (await asked).entries()) {
      const [one, reading] = [some[index], ours[index]];
      assert.ok(one !== undefined && reading !== undefined);
      count++;
      if (reading.kind === 'read' && theirs.kind === 'read') read++;
      if (reading.kind === theirs.kind) {
        // Whatever both read is the same, record by record.
        if (reading.kind === 'read') assert.deepEqual(reading, theirs, placeOf(one));
        continue;
      }
      const kind = explain(one.bytes, reading, theirs)?.name;
      const found = JSON.stringify({ ours: reading, java: theirs });
      assert.ok(kind !== undefined, `a difference that is not listed: ${found} ${placeOf(one)}`);
      met.set(kind, (met.get(kind) ?? 0) + 1);
    }
  }
  context.diagnostic(`${count} batches, ${read} read by both; ${JSON.stringify([...met])}`);
  return { count, read };
}

function placeOf({ name, bytes }: Case): string {
  return `${name} ${Buffer.from(bytes).toString('base64')}`;
}

function* inParts(cases: Iterable<Case>): Iterable<Case[]> {
  let some: Case[] = [];
  let size = 0;
  for (const one of cases) {
    some.push(one);
    size += one.bytes.length;
    if (size < ENOUGH_BYTES) continue;
    yield some;
    some = [];
    size = 0;
  }
  if (some.length > 0) yield some;
}

javaTest('what producers write, the Java client and we read alike', async (java) => {
  const { small, large } = codecSeeds();
  const seeds = [...small, ...large];
  const theirs = await java.read(seeds.map(({ bytes }) => bytes));
  for (const [index, { name, bytes }] of seeds.entries()) {
    const ours = readOurselves(bytes);
    if (name.includes('linked')) {
      assert.deepEqual([ours.kind, theirs[index]?.kind], ['nothing', 'nothing'], name);
    } else {
      assert.equal(ours.kind, 'read', name);
      assert.deepEqual(ours, theirs[index], name);
    }
  }
});

for (const difference of DIFFERENCES) {
  const { name, reader, reason, examples, vanishes } = difference;
  const who = reader === 'we' ? 'we read it and Java does not' : 'Java reads it and we do not';
  javaTest(`listed: ${name}: ${who}`, async (java, context) => {
    context.diagnostic(reason);
    const batches = examples();
    assert.notEqual(batches.length, 0);
    const theirs = await java.read(batches);
    for (const [index, bytes] of batches.entries()) {
      const [ours, reading] = [readOurselves(bytes), theirs[index]];
      assert.ok(reading !== undefined);
      const found = JSON.stringify({ index, ours, reading });
      if (vanishes === true && ours.kind === reading.kind)
        assert.equal(ours.kind, 'nothing', found);
      else assert.equal(explain(bytes, ours, reading), difference, found);
    }
  });
}

javaTest('every turned bit: we read what the Java client reads', async (java, context) => {
  const { small } = codecSeeds();
  function* cases(): Iterable<Case> {
    for (const seed of small) {
      for (let bit = 0; bit < 8 * seed.bytes.length; bit++) {
        yield { name: `${seed.name}, bit ${bit}`, bytes: withBitTurned(seed, bit) };
      }
    }
  }
  const { count, read } = await compare(java, cases(), context);
  assert.ok(read > count / 10 && read < count);
});

javaTest('random mutations: we read what the Java client reads', async (java, context) => {
  const start = Number(process.env[SEED_VARIABLE] ?? 1);
  context.diagnostic(`${SEED_VARIABLE}=${start}`);
  const random = randomFrom(start);
  const { small, large } = codecSeeds();
  function* cases(): Iterable<Case> {
    for (let index = 0; index < MUTATIONS; index++) {
      const seeds = random(LARGE_SHARE) === 0 ? large : small;
      const seed = seeds[random(seeds.length)];
      assert.ok(seed !== undefined);
      const name = `${SEED_VARIABLE}=${start}, mutation ${index} of ${seed.name}`;
      yield { name, bytes: mutated(seed, random) };
    }
  }
  const { count, read } = await compare(java, cases(), context);
  assert.equal(count, MUTATIONS);
  assert.ok(read > count / 10 && read < count);
});
