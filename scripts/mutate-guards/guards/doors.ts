import type { Guard } from '../guard.ts'

const WEBHOOK = 'test/adversary/webhook.test.ts'
const BRIDGE = 'test/adversary/bridge.test.ts'
const DELETED_REF = 'test/unit/functions/resolve/deleted-ref.test.ts'
const REFUSAL = 'test/unit/functions/resolve/refusal.test.ts'

/** Of what everybody can reach: the webhook from the internet, the bridge from a builder's or a laptop's own programs. */
export const DOORS: Guard[] = [
  {
    name: 'a delivery is signed',
    file: 'functions/webhook/index.ts',
    text: '!(await isSigned(text, signature))',
    without: '!(await isSigned(text, signature).then(() => true))',
    test: WEBHOOK,
    only: ['a secret of its own'],
    template: true,
  },
  {
    name: 'a delivery is text: one signature, one body',
    file: 'functions/webhook/index.ts',
    text: '!isUtf8(body) || ',
    without: '',
    test: WEBHOOK,
    only: ['bytes that are no text'],
    template: true,
  },
  {
    name: 'a delivery is bounded',
    file: 'functions/webhook/index.ts',
    text: 'const BODY_LIMIT = 5 * 1024 * 1024',
    without: 'const BODY_LIMIT = Infinity',
    test: 'test/unit/functions/webhook/handler.test.ts',
    only: ['of a byte more'],
  },
  {
    name: 'a run is named by what is signed: a replay with a new delivery id is the same run',
    file: 'functions/webhook/index.ts',
    text: 'executionName(input.trigger, input.repository, body)',
    without: "executionName(input.trigger, input.repository, input.delivery ?? '')",
    test: WEBHOOK,
    only: ['replayed with new delivery ids'],
    template: true,
  },
  {
    name: 'a commit is a commit, and no option of git',
    file: 'functions/webhook/events/fields.ts',
    text: 'export const Commit = z.string().check(z.regex(/^[0-9a-f]{40}$/))',
    without: 'export const Commit = z.string()',
    test: WEBHOOK,
    only: ['a commit that is an option of git'],
    template: true,
  },
  {
    name: 'a repository is configured',
    file: 'functions/resolve/refusal.ts',
    text: 'if (configured === undefined)',
    without: "if (repository === '')",
    test: REFUSAL,
  },
  {
    name: 'a ref is configured',
    file: 'functions/resolve/refusal.ts',
    text: 'if (!isConfiguredRef(configured, ref))',
    without: "if (ref === '')",
    test: REFUSAL,
  },
  {
    name: 'a ref is gone when GitHub says so, and not when a delivery does',
    file: 'functions/resolve/deleted-ref.ts',
    text: 'if (head !== undefined)',
    without: "if (head === '')",
    test: DELETED_REF,
  },
  {
    name: 'nothing follows from a repository that GitHub does not show',
    file: 'functions/resolve/deleted-ref.ts',
    text: 'if (!(await isShown(github, repository)))',
    without: "if (ref === '')",
    test: DELETED_REF,
  },
  {
    name: 'a bridge answers to this machine’s name only',
    file: 'builders/bridge.ts',
    text: "if (!/^(127\\.0\\.0\\.1|localhost)(:\\d+)?$/.test(request.headers.host ?? '')) {",
    without: "if (request.headers.host === '') {",
    test: BRIDGE,
    only: ['another name of this machine'],
  },
  {
    name: 'a bridge listens on this machine only',
    file: 'builders/bridge.ts',
    text: "server.listen(options.port ?? 0, '127.0.0.1', resolve)",
    without: "server.listen(options.port ?? 0, '0.0.0.0', resolve)",
    test: BRIDGE,
    only: ['another address of this machine'],
  },
  {
    name: 'a bridge only reads',
    file: 'builders/bridge.ts',
    text: "if (request.method !== 'GET' && request.method !== 'HEAD') {",
    without: "if (request.method === '') {",
    test: BRIDGE,
    only: ['nothing is written'],
  },
  {
    name: 'a bridge gives what a cache has, and nothing else',
    file: 'builders/bridge.ts',
    text: 'SERVED.some((pattern) => pattern.test(key))',
    without: 'SERVED.length > 0',
    test: BRIDGE,
    only: ['a path that no cache has'],
  },
]
