import assert from 'node:assert/strict';
import { availableParallelism } from 'node:os';
import { test } from 'node:test';
import { parseOptions } from '../../../bench/options.js';

test('without words everything is measured on 300-byte records, five times', () => {
  assert.deepEqual(parseOptions([]), {
    names: [],
    records: null,
    sizes: [300],
    runs: 5,
    workers: [...new Set([1, availableParallelism()])],
    partitions: 4,
    brokers: null,
    json: 'bench-results.json',
  });
});

test('names come first, and an option takes the words up to the next one', () => {
  const words = ['seal', 'verify-file', '--records', '10k', '1M', '--size', '100', 'cloudtrail'];
  const rest = ['--runs', '7', '--workers', '1', '2', '--brokers', 'a:1,b:2', '--json', 'x.json'];
  assert.deepEqual(parseOptions([...words, ...rest, '--partitions', '8']), {
    names: ['seal', 'verify-file'],
    records: [10_000, 1_000_000],
    sizes: [100, 'cloudtrail'],
    runs: 7,
    workers: [1, 2],
    partitions: 8,
    brokers: 'a:1,b:2',
    json: 'x.json',
  });
});

test('help is asked for anywhere', () => {
  assert.equal(parseOptions(['seal', '--help']), 'help');
  assert.equal(parseOptions(['-h']), 'help');
});

test('what is not understood is refused by name', () => {
  const refused: readonly (readonly [string[], RegExp])[] = [
    [['--rounds', '5'], /^Error: --rounds: there is no such option$/],
    [['--runs'], /^Error: --runs: expected a value$/],
    [['--runs', '1', '2'], /^Error: --runs: expected one value$/],
    [['--runs', '0'], /^Error: --runs 0: expected a whole number from 1 to 1000$/],
    [['--runs', '1', '--runs', '2'], /^Error: --runs: it is there twice$/],
    [['--records', '1e6'], /^Error: --records 1e6: expected a whole number/],
    [['--size', '-5'], /^Error: --size -5: expected a whole number/],
    [['--workers', '1.5'], /^Error: --workers 1.5: expected a whole number/],
  ];
  for (const [words, message] of refused) assert.throws(() => parseOptions(words), message);
});
