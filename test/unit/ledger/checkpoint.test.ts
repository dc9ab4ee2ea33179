import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  type Checkpoint,
  EMPTY_ROOT,
  encodeBase64,
  formatCheckpoint,
  genesis,
  openCheckpoint,
  parseCheckpoint,
  signCheckpoint,
  signNote,
} from '../../../ledger/index.js';
import {
  attempt,
  checkpointOf,
  hashOf,
  KEY,
  madeLog,
  mutations,
  ORIGIN,
  OTHER_KEY,
  throwsCode,
} from './support.js';

const CHECKPOINT = checkpointOf(madeLog(7), { extensions: [['anchor', 'of some kind']] });
const TEXT = formatCheckpoint(CHECKPOINT);
const LINES = TEXT.split('\n').slice(0, -1);

/** The text with line `number` (from 1) replaced. */
function withLine(number: number, line: string): string {
  return `${LINES.with(number - 1, line).join('\n')}\n`;
}

/** Signs any text at all as the log, as only the holder of the key could. */
function open(text: string): Checkpoint {
  return openCheckpoint(signNote(text, ORIGIN, KEY), ORIGIN, KEY.publicKey);
}

const anyCheckpoint: fc.Arbitrary<Checkpoint> = fc
  .record({
    size: fc.bigInt({ min: 0n, max: 1n << 60n }),
    first: fc.bigInt({ min: 0n, max: 1n << 60n }),
    gap: fc.bigInt({ min: 0n, max: 1n << 60n }),
    partitions: fc.integer({ min: 12, max: 0x7fffffff }),
    time: fc.integer({ min: 0, max: 253_402_300_799_999 }),
    salt: fc.nat(),
    names: fc.uniqueArray(fc.stringMatching(/^[!-~]{1,10}$/), { maxLength: 4 }),
    value: fc.stringMatching(/^[^\s\p{C}](?:[^\n\p{C}]{0,20}[^\s\p{C}])?$/u),
  })
  .map(({ size, first, gap, salt, names, value, ...rest }) => {
    const root = size === 0n ? EMPTY_ROOT : hashOf(salt);
    const chain = size === 0n ? genesis(ORIGIN) : size === 1n ? root : hashOf(salt + 1);
    const next = first + size + gap;
    const known = ['first', 'next', 'partitions', 'chain', 'time'];
    const extensions = names
      .filter((name) => !known.includes(name))
      .map((name): [string, string] => [name, value]);
    return { origin: ORIGIN, size, root, first, next, chain, extensions, ...rest };
  });

test('a checkpoint comes back as it went', () => {
  fc.assert(
    fc.property(anyCheckpoint, (checkpoint) => {
      assert.deepEqual(parseCheckpoint(formatCheckpoint(checkpoint)), checkpoint);
    }),
  );
  fc.assert(
    fc.property(anyCheckpoint, (checkpoint) => {
      const note = signCheckpoint(checkpoint, KEY);
      assert.deepEqual(openCheckpoint(note, ORIGIN, KEY.publicKey), checkpoint);
      throwsCode(() => openCheckpoint(note, ORIGIN, OTHER_KEY.publicKey), 'unsigned');
    }),
    { numRuns: 30 },
  );
});

test('no changed byte of a signed checkpoint is accepted', () => {
  const note = Buffer.from(signCheckpoint(CHECKPOINT, KEY));
  for (const bytes of mutations(note)) {
    throwsCode(
      () => openCheckpoint(bytes, ORIGIN, KEY.publicKey),
      'malformed',
      'unsigned',
      'signature-invalid',
    );
  }
});

test('a changed text is refused even if signed, or says something else in its one way', () => {
  let accepted = 0;
  for (const bytes of mutations(Buffer.from(TEXT))) {
    const text = Buffer.from(bytes).toString('latin1');
    const parsed = attempt(() => parseCheckpoint(text));
    if (parsed === null) continue;
    accepted++;
    assert.equal(formatCheckpoint(parsed), text);
    assert.notDeepEqual(parsed, CHECKPOINT);
  }
  assert.ok(accepted > 100);
});

test('another line 4 is an unknown version, once it is signed', () => {
  for (const version of [
    'sealstream/v2',
    'sealstream/v10',
    'Sealstream/v1',
    'sealstream/v1 ',
    'x',
  ]) {
    throwsCode(() => open(withLine(4, version)), 'unknown-version');
    throwsCode(() => parseCheckpoint(withLine(4, version)), 'unknown-version');
    const text = withLine(4, version);
    const forged = signNote(text, ORIGIN, OTHER_KEY);
    throwsCode(() => openCheckpoint(forged, ORIGIN, KEY.publicKey), 'unsigned');
    const stale = signCheckpoint(CHECKPOINT, KEY).replace('sealstream/v1', version);
    throwsCode(() => openCheckpoint(stale, ORIGIN, KEY.publicKey), 'signature-invalid');
  }
  const head = `${LINES.slice(0, 3).join('\n')}\nsealstream/v2\n`;
  throwsCode(() => open(head), 'unknown-version');
  throwsCode(() => open(`${head}anything goes\n\nthere\n`), 'unknown-version');
});

test('a note of another log is not one of this log, whoever signed it', () => {
  const other = ORIGIN.replace(/11$/, '10');
  const note = signCheckpoint({ ...CHECKPOINT, origin: other }, KEY);
  throwsCode(() => openCheckpoint(note, ORIGIN, KEY.publicKey), 'unsigned');
  const relabelled = signNote(withLine(1, other), ORIGIN, KEY);
  throwsCode(() => openCheckpoint(relabelled, ORIGIN, KEY.publicKey), 'malformed');
  const v2 = signNote(withLine(1, other).replace('/v1', '/v2'), ORIGIN, KEY);
  throwsCode(() => openCheckpoint(v2, ORIGIN, KEY.publicKey), 'malformed');
  throwsCode(() => openCheckpoint(note, 'not an origin', KEY.publicKey), 'malformed');
});

test('lines that the format does not allow', () => {
  const hash = encodeBase64(hashOf(1));
  const bad: [number, string][] = [
    [1, ''],
    [1, `${ORIGIN} `],
    [2, ''],
    [2, '07'],
    [2, '-7'],
    [2, '7 '],
    [2, '9223372036854775808'],
    [3, ''],
    [3, hash.slice(0, -1)],
    [3, `${hash}=`],
    [3, encodeBase64(new Uint8Array(31))],
    [4, ''],
    [5, 'first'],
    [5, 'first '],
    [5, 'first  0'],
    [5, 'first 00'],
    [5, 'First 0'],
    [5, 'next 0'],
    [6, 'next -1'],
    [7, 'partitions 0'],
    [7, 'partitions 2147483648'],
    [7, 'partitions 1e2'],
    [8, 'chain '],
    [8, `chain ${hash.slice(0, -2)}B=`],
    [8, `chain  ${hash}`],
    [9, 'time 2026-11-23T23:00:00Z'],
    [9, 'time 2026-02-30T23:00:00.000Z'],
    [9, 'time 1795000000123'],
    [10, ''],
    [10, 'anchor'],
    [10, 'anchor '],
    [10, ' anchor'],
    [10, 'anchor  two'],
    [10, 'anchor two '],
    [10, 'änchor two'],
    [10, 'first 0'],
    [10, 'time 2026-11-23T23:00:00.000Z'],
  ];
  for (const [number, line] of bad) {
    throwsCode(() => open(withLine(number, line)), 'malformed');
    throwsCode(() => parseCheckpoint(withLine(number, line)), 'malformed');
  }
  for (const count of [0, 1, 2, 3, 4, 5, 6, 7, 8]) {
    throwsCode(
      () =>
        parseCheckpoint(
          LINES.slice(0, count)
            .map((l) => `${l}\n`)
            .join(''),
        ),
      'malformed',
    );
  }
  const swapped = LINES.with(4, LINES[5] as string).with(5, LINES[4] as string);
  const whole = [
    `${TEXT}\n`,
    TEXT.slice(0, -1),
    `\n${TEXT}`,
    `${TEXT}anchor again\n`,
    TEXT.replaceAll('\n', '\r\n'),
  ];
  for (const text of [...whole, `${swapped.join('\n')}\n`, 'x'.repeat(200_000)]) {
    throwsCode(() => parseCheckpoint(text), 'malformed');
  }
});

test('a checkpoint that contradicts itself is neither written nor read', () => {
  const one = checkpointOf(madeLog(1));
  const empty = checkpointOf(madeLog(0));
  const bad: Checkpoint[] = [
    { ...CHECKPOINT, first: CHECKPOINT.next + 1n },
    { ...CHECKPOINT, next: 6n },
    { ...CHECKPOINT, first: 8n },
    { ...CHECKPOINT, partitions: 11 },
    { ...empty, root: hashOf(1) },
    { ...empty, chain: hashOf(1) },
    { ...empty, chain: genesis(ORIGIN.replace('/11', '/10')) },
    { ...one, chain: hashOf(1) },
  ];
  for (const checkpoint of bad) {
    throwsCode(() => formatCheckpoint(checkpoint), 'malformed');
    throwsCode(() => signCheckpoint(checkpoint, KEY), 'malformed');
  }
  const lines: [number, string][] = [
    [5, `first ${CHECKPOINT.next + 1n}`],
    [6, 'next 6'],
    [7, 'partitions 11'],
    [2, '0'],
    [2, '1'],
  ];
  for (const [number, line] of lines) throwsCode(() => open(withLine(number, line)), 'malformed');
});

test('what could not be read back is not written', () => {
  const bad: Partial<Checkpoint>[] = [
    { origin: 'nothing' },
    { size: -1n },
    { next: 1n << 63n },
    { first: -1n },
    { partitions: 12.5 },
    { time: Number.NaN },
    { time: 0.5 },
    { extensions: [['first', '0']] },
    {
      extensions: [
        ['a', '1'],
        ['a', '2'],
      ],
    },
    { extensions: [['a b', '1']] },
    { extensions: [['', '1']] },
    { extensions: [['a', '']] },
    { extensions: [['a', 'b\nc d']] },
  ];
  for (const more of bad)
    throwsCode(() => formatCheckpoint({ ...CHECKPOINT, ...more }), 'malformed');
  const control: Checkpoint = { ...CHECKPOINT, extensions: [['a', 'b\u0007c']] };
  throwsCode(() => signCheckpoint(control, KEY), 'malformed');
});
