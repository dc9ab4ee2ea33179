import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BENCHES } from '../../../bench/benches/index.js';
import { type Bench, selectBenches, tasksOf } from '../../../bench/harness/bench.js';
import { type BenchOptions, parseOptions } from '../../../bench/options.js';

function optionsOf(words: readonly string[]): BenchOptions {
  const options = parseOptions(words);
  assert.notEqual(options, 'help');
  return options as BenchOptions;
}

function names(benches: readonly Bench[]): string[] {
  return benches.map(({ name }) => name);
}

test('a bench is chosen by its name or the first part of it', () => {
  assert.deepEqual(names(selectBenches(BENCHES, ['seal'])), ['seal-kafka', 'seal-file']);
  assert.deepEqual(names(selectBenches(BENCHES, ['verify-file', 'seal-kafka'])), [
    'seal-kafka',
    'verify-file',
  ]);
  assert.equal(selectBenches(BENCHES, []), BENCHES);
  assert.throws(
    () => selectBenches(BENCHES, ['sea']),
    /^Error: sea: no such bench; there are seal/,
  );
});

test('every bench has a name of its own', () => {
  assert.equal(new Set(names(BENCHES)).size, BENCHES.length);
});

test('a table for every size and count, or one for all counts', () => {
  const options = optionsOf(['--records', '10', '20', '--size', '100', '300']);
  const tables = (name: string) =>
    selectBenches(BENCHES, [name]).flatMap((bench) =>
      tasksOf(bench, options).map(({ size, records }) => [size, records]),
    );
  assert.deepEqual(tables('seal-file'), [
    [100, [10]],
    [100, [20]],
    [300, [10]],
    [300, [20]],
  ]);
  assert.deepEqual(tables('resume-file'), [
    [100, [10, 20]],
    [300, [10, 20]],
  ]);
});

test('ten million records are for those who ask for a bench by name', () => {
  const counts = (words: readonly string[]) =>
    selectBenches(BENCHES, ['resume-file', 'memory-file']).flatMap((bench) =>
      tasksOf(bench, optionsOf(words)).flatMap(({ records }) => records),
    );
  assert.equal(Math.max(...counts([])), 1_000_000);
  assert.equal(Math.max(...counts(['resume'])), 10_000_000);
});
