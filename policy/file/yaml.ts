/**
 * The YAML of ledger.yaml, as little of it as a configuration needs: no alias, anchor, tag, merge
 * key or doubled key. A message never repeats the text, which may be a secret in the wrong place.
 */
import {
  CST,
  type Document,
  type ErrorCode,
  isAlias,
  isCollection,
  isMap,
  isNode,
  isScalar,
  Lexer,
  LineCounter,
  parseDocument,
  visit,
  type YAMLMap,
} from 'yaml';
import { SealstreamError } from '../../ledger/error.js';
import { LONGEST_FILE } from './small-file.js';

const DEEPEST = 24;
const MOST_ENTRIES = 1_000;
const MOST_LEXEMES = 30_000;
const MARKS: ReadonlySet<string> = new Set([CST.DOCUMENT, CST.FLOW_END, CST.SCALAR]);

export type Path = readonly PropertyKey[];

/** Both from 1. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

/** Where the fields of a file stand. */
export interface Places {
  /** Of the value at `path`, such as ['topics', 0, 'name'], or of the closest parent that is there. */
  of(path: Path): Place;
}

export interface Source extends Places {
  /** The parsed text as plain data: maps, lists, texts, numbers, booleans and null. */
  readonly data: unknown;
  /** Of the key itself, in the map at `path`. */
  ofKey(path: Path, key: string): Place;
  /** Throws `configuration`: file:line:column: message. */
  fail(place: Place, message: string): never;
}

const DIRECTIVES = 'directives (%…) are not allowed';
const TAGS = 'tags (!…) are not allowed; a value that begins with ! needs quotes';

const MESSAGES: Partial<Record<ErrorCode, string>> = {
  ALIAS_PROPS: 'aliases are not allowed; write the value out',
  BAD_ALIAS: 'a value that begins with * or & needs quotes',
  BAD_COLLECTION_TYPE: TAGS,
  BAD_DIRECTIVE: DIRECTIVES,
  BAD_DQ_ESCAPE: 'not an escape sequence; write \\\\ for a backslash, or use single quotes',
  BAD_INDENT: 'not indented as what is around it',
  BAD_SCALAR_START: 'this value needs quotes',
  BLOCK_AS_IMPLICIT_KEY:
    'expected one "field: value" on a line; a value that holds ": " needs quotes',
  KEY_OVER_1024_CHARS: "a field's name is too long",
  MISSING_CHAR: 'a character is missing: a quote, bracket or comma, or the : after a field',
  MULTILINE_IMPLICIT_KEY: "expected a field's name on a line of its own, then a colon",
  MULTIPLE_DOCS: 'expected one document; a --- begins another',
  RESOURCE_EXHAUSTION: 'nested too deeply',
  TAB_AS_INDENT: 'indented by a tab; use spaces',
  TAG_RESOLVE_FAILED: TAGS,
};

/** Reads `text`, of which `file` is the name in errors. Throws `configuration`. */
export function parseYaml(text: string, file: string): Source {
  const lines = new LineCounter();
  const placeAt = (at: number): Place => {
    const { line, col } = lines.linePos(at);
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  const fail = ({ line, column }: Place, message: string): never => {
    throw new SealstreamError('configuration', `${file}:${line}:${column}: ${message}`);
  };
  const failAt = (at: number, message: string): never => fail(placeAt(at), message);
  if (text.length > LONGEST_FILE) failAt(0, `the file is larger than ${LONGEST_FILE} bytes`);
  boundEffort(text, (at, message) => {
    // The parser has not counted lines yet.
    const before = text.slice(0, at).split('\n');
    return fail({ line: before.length, column: (before.at(-1)?.length ?? 0) + 1 }, message);
  });
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    version: '1.2',
    // Its own check compares every key with every other: refuseTraps does it in one pass.
    uniqueKeys: false,
  });
  const broken = document.errors[0] ?? document.warnings[0];
  if (broken !== undefined) failAt(broken.pos[0], MESSAGES[broken.code] ?? 'not valid YAML here');
  // %YAML 1.1 would read yes, 012 and 2026-12-31 otherwise.
  if (document.directives?.yaml.explicit === true) failAt(0, DIRECTIVES);
  refuseTraps(document, failAt);
  return {
    data: document.toJS({ maxAliasCount: 0 }),
    of: (path) => placeAt(positionOf(document, path, null)),
    ofKey: (path, key) => placeAt(positionOf(document, path, key)),
    fail,
  };
}

type Fail = (at: number, message: string) => never;

/** Before the parser, which takes seconds for a text of nothing but brackets or commas. */
function boundEffort(text: string, fail: Fail): void {
  let at = 0;
  let depth = 0;
  let count = 0;
  for (const lexeme of new Lexer().lex(text)) {
    count += 1;
    if (count > MOST_LEXEMES) fail(at, 'the file has more in it than a ledger can need');
    if (lexeme === '[' || lexeme === '{') depth += 1;
    if (lexeme === ']' || lexeme === '}') depth -= 1;
    if (depth > DEEPEST) fail(at, 'nested too deeply');
    // Marks between lexemes, not of the text.
    if (!MARKS.has(lexeme)) at += lexeme.length;
  }
}

/** Byte position of the value at `path`, or of the closest parent that is there. */
function positionOf(document: Document, path: Path, key: string | null): number {
  for (let depth = path.length; depth >= 0; depth -= 1) {
    const node: unknown =
      depth === 0 ? document.contents : document.getIn(path.slice(0, depth), true);
    if (key !== null && depth === path.length && isMap(node)) {
      const pair = node.items.find((item) => isScalar(item.key) && item.key.value === key);
      if (pair !== undefined && isScalar(pair.key)) return pair.key.range?.[0] ?? 0;
    }
    if (typeof node === 'object' && node !== null && 'range' in node) {
      const range = node.range;
      if (Array.isArray(range) && typeof range[0] === 'number') return range[0];
    }
  }
  return 0;
}

/** An alias can stand for a tree of any size, so none is followed; of two equal keys one would win;
 * a map takes `__proto__` for its prototype; a tag gives another type than the text shows. */
function refuseTraps(document: Document, fail: Fail): void {
  visit(document, (_, node, ancestors) => {
    if (!isNode(node)) return;
    const at = node.range?.[0] ?? 0;
    // From the top, so that it ends before the stack does.
    if (ancestors.length > DEEPEST) fail(at, 'nested too deeply');
    if (isAlias(node)) {
      return fail(at, 'aliases are not allowed; a value that begins with * needs quotes');
    }
    if (node.anchor !== undefined) {
      fail(at, 'anchors are not allowed; a value that begins with & needs quotes');
    }
    if (node.tag !== undefined) fail(at, TAGS);
    if (isCollection(node) && node.items.length > MOST_ENTRIES) {
      fail(at, `expected at most ${MOST_ENTRIES} entries`);
    }
    if (isMap(node)) refuseKeys(node, fail);
    if (!isScalar(node) || typeof node.value !== 'string') return;
    if (hasControl(node.value)) fail(at, 'control characters are not allowed');
    if (/\p{Surrogate}/u.test(node.value)) fail(at, 'half a character (a lone surrogate)');
  });
}

function refuseKeys(map: YAMLMap, fail: Fail): void {
  const seen = new Set<string>();
  for (const { key } of map.items) {
    if (!isScalar(key) || typeof key.value !== 'string') {
      fail(map.range?.[0] ?? 0, 'expected a name for every field');
      continue;
    }
    const name = key.value;
    const at = key.range?.[0] ?? 0;
    if (name === '<<') fail(at, 'merge keys are not allowed; write the fields out');
    if (name === '__proto__') fail(at, '"__proto__" is no field');
    if (seen.has(name)) fail(at, 'this field is there twice');
    seen.add(name);
  }
}

/** A line feed, a tab and a carriage return are text. */
function hasControl(text: string): boolean {
  for (let index = 0; index < text.length; index += 1) {
    const unit = text.charCodeAt(index);
    if ((unit < 32 && unit !== 9 && unit !== 10 && unit !== 13) || unit === 127) return true;
  }
  return false;
}
