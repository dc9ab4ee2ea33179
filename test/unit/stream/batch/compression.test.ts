import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import {
  COMPRESSION_CODES,
  type Compression,
  decompress,
} from '../../../../stream/batch/compression.js';
import * as lz4 from '../../../support/codec-forms.js';
import { compress, compressSnappy } from '../../../support/compress.js';
import { concat, craft, decodeAll, encode, text } from './support.js';

const codecs = (Object.keys(COMPRESSION_CODES) as Compression[]).filter((name) => name !== 'none');
const SNAPPY = COMPRESSION_CODES.snappy;
const LZ4 = COMPRESSION_CODES.lz4;
const ZSTD = COMPRESSION_CODES.zstd;
const MIB = 1024 * 1024;

const repetitive = fc
  .array(fc.tuple(fc.uint8Array({ minLength: 1, maxLength: 20 }), fc.nat(3000)), { maxLength: 20 })
  .map((runs) => concat(...runs.flatMap(([bytes, times]) => Array<Uint8Array>(times).fill(bytes))));

for (const codec of codecs) {
  const code = COMPRESSION_CODES[codec];

  test(`${codec}: any bytes come back, and exactly at the limit`, () => {
    fc.assert(
      fc.property(fc.oneof(repetitive, fc.uint8Array({ maxLength: 5000 })), (bytes) => {
        if (bytes.length === 0) return;
        const compressed = compress(codec, bytes);
        assert.deepEqual(
          Buffer.from(decompress(code, compressed, bytes.length)),
          Buffer.from(bytes),
        );
        assert.throws(() => decompress(code, compressed, bytes.length - 1), {
          code: bytes.length === 1 && codec === 'gzip' ? /./ : 'unsupported',
        });
      }),
      { numRuns: 50 },
    );
  });

  test(`${codec}: a bomb is refused before it fills the memory`, () => {
    // Snappy's best ratio is 21: its bomb is larger.
    const bomb = compress(codec, new Uint8Array(96 * MIB));
    const before = process.memoryUsage();
    assert.throws(() => decompress(code, bomb, MIB), { code: 'unsupported', message: /1048576/ });
    const after = process.memoryUsage();
    assert.ok(after.arrayBuffers - before.arrayBuffers < 16 * MIB);
    const decoded = decodeAll(craft({ attributes: code, recordsCount: 1, records: bomb }), MIB);
    assert.equal(decoded.error?.code, 'unsupported');
    assert.match(decoded.error.message, /topic audit partition 0 batch at offset 0/);
  });

  test(`${codec}: cut at any byte it is corrupt`, () => {
    const compressed = compress(codec, text('some text, some text, some text'));
    for (let length = 0; length < compressed.length; length++) {
      // Java ends a xerial stream between blocks; the records are then missing.
      const records = compressed.subarray(0, length);
      const batch = craft({ attributes: code, recordsCount: 1, records });
      assert.equal(decodeAll(batch).error?.code, 'batch-corrupt', `at ${length}`);
    }
  });
}

test('the default limit holds a batch to 64 MiB', () => {
  const records = gzipSync(new Uint8Array(65 * MIB));
  const decoded = decodeAll(craft({ attributes: 1, recordsCount: 1, records }));
  assert.equal(decoded.error?.code, 'unsupported');
  assert.match(decoded.error.message, /67108864/);
});

test('snappy: bare blocks as librdkafka writes them, joined xerial streams', () => {
  const plain = text('snappy snappy snappy snappy');
  assert.deepEqual(decompress(SNAPPY, compressSnappy(plain, 'bare'), 100), plain);
  const stream = compressSnappy(plain, 'xerial');
  assert.deepEqual(decompress(SNAPPY, concat(stream, stream), 100), concat(plain, plain));
});

test('snappy: blocks that lie are corrupt', () => {
  const lies: Record<string, number[]> = {
    'a length without bytes': [0xff, 0xff, 0xff, 0xff, 0x0f],
    'a length of six bytes': [0x80, 0x80, 0x80, 0x80, 0x80, 0x00],
    'fewer bytes than declared': [2, 0x00, 0x61],
    'more bytes than declared': [1, 0x04, 0x61, 0x62],
    'a copy of nothing': [8, 0x11, 0x01],
    'a copy from distance 0': [5, 0x00, 0x61, 0x01, 0x00],
    'a copy beyond the end': [3, 0x00, 0x61, 0x0d, 0x01],
    'a literal that runs backwards': [8, 0xfc, 0xfa, 0xff, 0xff, 0xff],
    'a tag that is cut short': [5, 0x00, 0x61, 0x03, 0x01],
  };
  for (const [name, bytes] of Object.entries(lies)) {
    assert.throws(
      () => decompress(SNAPPY, Uint8Array.from(bytes), 2 ** 33),
      {
        code: 'batch-corrupt',
      },
      name,
    );
  }
});

/** A frame of blocks that are compressed by hand; see codec-checks.test.ts for what else is in it. */
function lz4Frame(flags: number, ...blocks: number[][]): Uint8Array {
  const compressed = blocks.map((block) => ({ bytes: Uint8Array.from(block) }));
  return lz4.lz4Frame(flags, compressed, text(''));
}

test('lz4: several blocks, bytes after the frame, an overlapping match', () => {
  // Three literals, a match of 6 from 3 back, then five literals.
  const block = [0x32, 0x61, 0x62, 0x63, 3, 0, 0x50, 0x76, 0x77, 0x78, 0x79, 0x7a];
  const expected = text('abcabcabcvwxyz');
  assert.deepEqual(decompress(LZ4, lz4Frame(0x60, block), 100), expected);
  const twice = lz4Frame(0x70, block, block);
  assert.deepEqual(decompress(LZ4, twice, 100), concat(expected, expected));
  const trailed = concat(lz4Frame(0x60, block), text('ignored'));
  assert.deepEqual(decompress(LZ4, trailed, 100), expected);
});

test('lz4: frames that lie are corrupt', () => {
  const five = [0x50, 0x76, 0x77, 0x78, 0x79, 0x7a];
  const lies: Record<string, [frame: Uint8Array, why: RegExp]> = {
    'another magic': [Uint8Array.of(1, 2, 3, 4, 0x60, 0x40, 0, 0, 0, 0, 0), /not a frame/],
    'another version': [lz4Frame(0x20), /descriptor/],
    'linked blocks': [lz4Frame(0x40), /descriptor/],
    'a dictionary': [lz4Frame(0x61), /descriptor/],
    'a match from distance 0': [lz4Frame(0x60, [0x10, 0x61, 0, 0, ...five]), /a match 0 bytes/],
    'a match from before the start': [
      lz4Frame(0x60, [0x10, 0x61, 2, 0, ...five]),
      /a match 2 bytes back/,
    ],
    'a match from before its block': [
      lz4Frame(0x60, five, [0x10, 0x61, 2, 0, ...five]),
      /a match 2 bytes back/,
    ],
    'literals that are cut short': [lz4Frame(0x60, [0x50, 0x61]), /5 literals are cut short/],
    'a length that is cut short': [lz4Frame(0x60, [0xf0, 255]), /a length is cut short/],
    'a block that ends with a match': [lz4Frame(0x60, [0x10, 0x61, 1, 0]), /too near to the end/],
    'a long match at the end': [
      lz4Frame(0x60, [0x1f, 0x61, 1, 0, 255, 255, 1, 0x10, 0x61]),
      /too near to the end/,
    ],
    'no end mark': [lz4Frame(0x60, [0x10, 0x61]).slice(0, -4), /no end mark/],
    'a block larger than the frame allows': [
      lz4Frame(0x60, [0x1f, 0x61, 1, 0, ...Array<number>(258).fill(255), 0, ...five]),
      /a block exceeds/,
    ],
  };
  for (const [name, [frame, message]] of Object.entries(lies)) {
    const refused = { code: 'batch-corrupt', message };
    assert.throws(() => decompress(LZ4, frame, MIB), refused, name);
  }
});

test('zstd: joined and skippable frames, and sizes that are not declared', () => {
  const plain = text('zstd zstd zstd zstd');
  const frame = compress('zstd', plain);
  const skippable = Uint8Array.of(0x5a, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3);
  const joined = decompress(ZSTD, concat(frame, skippable, frame), 100);
  assert.deepEqual(joined, concat(plain, plain));
  // Magic, no content size, window 1 KiB, one raw block "ab", one run of 5 "c".
  const unsized = Uint8Array.of(
    ...[0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x00],
    ...[0x10, 0, 0, 0x61, 0x62],
    ...[0x2b, 0, 0, 0x63],
  );
  assert.deepEqual(decompress(ZSTD, unsized, 7), text('abccccc'));
  assert.throws(() => decompress(ZSTD, unsized, 6), { code: 'unsupported' });
});

test('zstd: frames that lie are corrupt, and cost no memory', () => {
  const block = [0x11, 0, 0, 0x61, 0x62];
  const magic = [0x28, 0xb5, 0x2f, 0xfd];
  const lies: Record<string, number[]> = {
    'another magic': [0x29, 0xb5, 0x2f, 0xfd, 0x00, 0x00, ...block],
    'a content size beyond its blocks': [...magic, 0xe0, 0, 0, 0, 0, 1, 0, 0, 0, ...block],
    'a content size below its blocks': [...magic, 0x20, 1, ...block],
    'a reserved block': [...magic, 0x00, 0x00, 0x17, 0, 0, 0x61, 0x62],
    'a dictionary that is not here': [...magic, 0x01, 0x00, 0x07, ...block],
    'a skippable frame that is cut short': [0x50, 0x2a, 0x4d, 0x18, 9, 0, 0, 0],
    'bytes after the frame': [...magic, 0x20, 2, ...block, 0],
  };
  for (const [name, bytes] of Object.entries(lies)) {
    assert.throws(
      () => decompress(ZSTD, Uint8Array.from(bytes), 64 * MIB),
      {
        code: 'batch-corrupt',
      },
      name,
    );
  }
});

/** In a process of its own: the library is loaded once. */
const WITHOUT_ZSTD = `
  const { decompress } = await import(process.argv[1]);
  const frame = Buffer.from(process.argv[2], 'base64');
  const codes = [];
  for (let turn = 0; turn < 2; turn++) {
    try {
      decompress(4, frame, 1000);
      codes.push('decoded');
    } catch (error) {
      codes.push(error.code + ' ' + error.class);
    }
  }
  console.log(JSON.stringify(codes));
`;

test('zstd: a process in which the library does not work says nothing about the log', () => {
  const faults: Record<string, string> = {
    none: '',
    'no instance': 'WebAssembly.Instance = class { constructor() { throw new RangeError("no") } };',
    'no module': 'WebAssembly.Module = class { constructor() { throw new RangeError("no") } };',
    trapped: `const { Instance } = WebAssembly;
      WebAssembly.Instance = class { constructor(...given) {
        const { exports } = new Instance(...given);
        return { exports: { ...exports, r: () => { throw new WebAssembly.RuntimeError('trap') } } };
      } };`,
    'out of memory': `const { Instance } = WebAssembly;
      WebAssembly.Instance = class { constructor(...given) {
        const { exports } = new Instance(...given);
        return { exports: { ...exports, s: () => 0 } };
      } };`,
  };
  const place = new URL('../../../../stream/batch/compression.js', import.meta.url).href;
  const frame = Buffer.from(compress('zstd', text('zstd zstd'))).toString('base64');
  for (const [name, fault] of Object.entries(faults)) {
    const words = ['--input-type=module', '-e', fault + WITHOUT_ZSTD, place, frame];
    const { stdout, stderr } = spawnSync(process.execPath, words, { encoding: 'utf8' });
    const told = name === 'none' ? 'decoded' : 'internal fatal';
    assert.deepEqual(JSON.parse(stdout), [told, told], `${name}: ${stderr}`);
  }
});

test('gzip: what zlib lacks says nothing about the log; nor does a member too many', () => {
  const program = `
    import zlib from 'node:zlib';
    import { syncBuiltinESMExports } from 'node:module';
    zlib.inflateRawSync = () => {
      throw Object.assign(new Error('no memory'), { code: 'Z_MEM_ERROR' });
    };
    syncBuiltinESMExports();
    const { decompress } = await import(process.argv[1]);
    try {
      decompress(1, Buffer.from(process.argv[2], 'base64'), 1000);
    } catch (error) {
      console.log(error.code);
    }
  `;
  const place = new URL('../../../../stream/batch/compression.js', import.meta.url).href;
  const member = compress('gzip', text('gzip'));
  const words = [place, Buffer.from(member).toString('base64')];
  const { stdout, stderr } = spawnSync(
    process.execPath,
    ['--input-type=module', '-e', program, ...words],
    { encoding: 'utf8' },
  );
  assert.equal(stdout, 'internal\n', stderr);
  // The first member takes all the room; the second needs one byte.
  const two = concat(member, compress('gzip', text('x')));
  assert.deepEqual(decompress(COMPRESSION_CODES.gzip, two, 5), text('gzipx'));
  assert.throws(() => decompress(COMPRESSION_CODES.gzip, two, 4), { code: 'unsupported' });
});

test('a batch that the encoder compressed is smaller and marked', () => {
  const value = new Uint8Array(50_000);
  for (const codec of codecs) {
    const { bytes } = encode([[{ key: null, value, headers: [] }, 0n]], { compression: codec });
    assert.ok(bytes.length < 5000, codec);
    assert.equal((bytes[22] as number) & 7, COMPRESSION_CODES[codec]);
  }
});
