import type { Guard } from '../guard.ts'

const test = 'test/adversary/upstream.test.ts'
const MEMORY = 'test/unit/functions/shared/upstream-memory.test.ts'

/** Of what upstream caches answer: a path may lean on them only when a client would take theirs. */
export const UPSTREAMS: Guard[] = [
  {
    name: 'an upstream is believed by its declared key',
    file: 'functions/shared/upstream.ts',
    text: 'return signed ? info : undefined',
    without: 'return signed || info ? info : undefined',
    test,
    only: ['signed with another key', 'without a signature'],
  },
  {
    name: 'an upstream is asked about the path itself',
    file: 'functions/shared/upstream.ts',
    text: 'if (info.storePath !== path) return undefined',
    without: '',
    test,
    only: ['under another name, and signed', 'about another path'],
  },
  {
    name: 'an upstream’s answer has an end',
    file: 'functions/shared/upstream.ts',
    text: 'if (size > NARINFO_LIMIT)',
    without: 'if (size < 0)',
    test,
    only: ['is not read to its end'],
  },
  {
    name: 'what an upstream has is forgotten after a day',
    file: 'functions/shared/upstream-memory.ts',
    text: 'return asked + EXPIRES_MS > now() ?',
    without: 'return asked > 0 ?',
    test: MEMORY,
    only: ['hours later'],
  },
  {
    name: 'what an upstream has is known for these keys only',
    file: 'functions/shared/upstream-memory.ts',
    text: ".update([url, ...publicKeys.toSorted()].join('\\n'))",
    without: '.update(url)',
    test: MEMORY,
    only: ['another key'],
  },
]
