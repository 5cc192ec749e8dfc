import type { Guard } from '../guard.ts'

const RESIGN = 'test/unit/functions/publish/keys/add-signatures.test.ts'
const CHANGE = 'test/unit/functions/publish/keys/change-keys.test.ts'
const REPAIR = 'test/local/verify/repair.test.ts'

/** Of Publish's other modes: keys and repair. Whoever may start their state machines can do no more than they are for. */
export const MODES: Guard[] = [
  {
    name: 're-signing signs only what a key of ours has signed',
    file: 'functions/publish/keys/add-signatures.ts',
    text: "if (missing.length === keys.length) return foreign('no signing key of ours has signed it')",
    without: '',
    test: RESIGN,
    only: ['no signature', 'somebody else’s', 'a key of the same name', 'another size than was signed'],
  },
  {
    name: 're-signing signs a narinfo only in its own place',
    file: 'functions/publish/keys/add-signatures.ts',
    text: 'if (key !== `${hashPartOf(info.storePath)}.narinfo`) return',
    without: "if (key === 'never') return",
    test: RESIGN,
    only: ['another path’s place'],
  },
  {
    name: 're-signing brings back nothing that was removed, and overwrites nothing that was changed',
    file: 'functions/publish/keys/resign-narinfo.ts',
    text: '        IfMatch: etag,\n',
    without: '',
    test: 'test/local/keys/resign.test.ts',
    only: ['and removes it: it does not come back', 'and puts a stranger there'],
  },
  {
    name: 'a key is retired only when no client needs it any more',
    file: 'functions/publish/keys/change-keys.ts',
    text: 'if (!change.force && (from === undefined || from > now)) throw',
    without: "if (change.name === '') throw",
    test: CHANGE,
    only: ['to retire before the cache is re-signed'],
  },
  {
    name: 'the last key is never retired',
    file: 'functions/publish/keys/change-keys.ts',
    text: 'if (keys.length === 1) throw new LastKey(change.name)',
    without: '',
    test: CHANGE,
    only: ['what is refused changes nothing'],
  },
  {
    name: 'repair moves nothing that is sound, whoever asks',
    file: 'functions/publish/repair/repair.ts',
    text: "if (reason === undefined) return tell('sound', 'nothing is wrong with it')",
    without: '',
    test: REPAIR,
    only: ['what is sound stays, whoever asks'],
  },
  {
    name: 'repair takes no closure from a narinfo that stays',
    file: 'functions/publish/repair/repair.ts',
    text: "if (referrer !== undefined) return tell('left', `${referrer.key} refers to it, and stays`)",
    without: '',
    test: REPAIR,
    only: ['a reference stays while a referrer', 'a narinfo that changes while it is looked at'],
  },
  {
    name: 'repair deletes exactly the version that it looked at',
    file: 'functions/publish/repair/quarantine.ts',
    text: 'new DeleteObjectCommand({ Bucket: cache.name, Key: key, IfMatch: version })',
    without: 'new DeleteObjectCommand({ Bucket: cache.name, Key: key })',
    test: REPAIR,
    only: ['a narinfo that changes while it is looked at'],
  },
  {
    name: 'repair keeps the record of a build of which something is visible',
    file: 'functions/publish/repair/quarantine.ts',
    text: '!== undefined) return false\n  try {',
    without: "=== '') return false\n  try {",
    test: REPAIR,
    only: ['stays while one of its outputs is visible'],
  },
]
