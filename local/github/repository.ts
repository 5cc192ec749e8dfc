import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { isoSeconds } from './clock.ts'

const run = promisify(execFile)

/** Neither the machine's nor the user's configuration decides, and repositories of other users may be read. */
export const GIT_ENVIRONMENT = {
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_CONFIG_COUNT: '2',
  GIT_CONFIG_KEY_0: 'safe.directory',
  GIT_CONFIG_VALUE_0: '*',
  // a build fetches one commit by its id, whether or not a branch still has it
  GIT_CONFIG_KEY_1: 'uploadpack.allowAnySHA1InWant',
  GIT_CONFIG_VALUE_1: 'true',
}

export interface Person {
  name: string
  email: string
  /** ISO 8601 */
  date: string
}

export interface Commit {
  sha: string
  tree: string
  parents: string[]
  author: Person
  committer: Person
  message: string
}

/** An annotated tag. */
export interface Tag {
  sha: string
  name: string
  message: string
  tagger: Person
  object: { sha: string; type: string }
}

export interface Branch {
  name: string
  sha: string
}

/** A local git repository, bare or not, as far as a forge asks it. */
export interface Repository {
  id: number
  fullName: string
  path: string
  isPrivate: boolean
  /** undefined when nothing is called so, or it is no commit */
  findCommit(ref: string): Promise<Commit | undefined>
  /** a full ref, `refs/heads/main` */
  findRef(ref: string): Promise<{ sha: string; type: string } | undefined>
  /** sorted by name */
  branches(): Promise<Branch[]>
  /** full names and the objects that they name, of refs that begin so: `refs/tags/v` */
  refs(prefix: string): Promise<{ ref: string; sha: string; type: string; commit: string }[]>
  /** an annotated tag's own object */
  findTag(sha: string): Promise<Tag | undefined>
  defaultBranch(): Promise<string>
  /** commits of `after` that are not in `before`, oldest first, as a push delivery lists them */
  commitsBetween(before: string, after: string): Promise<Commit[]>
  /** paths that a commit changed against its first parent: status letter and path */
  changes(sha: string): Promise<{ status: string; path: string }[]>
}

/** `%H…`: see git-log, "PRETTY FORMATS"; fields end with NUL. */
const FORMAT = '%H%x00%T%x00%P%x00%an%x00%ae%x00%aI%x00%cn%x00%ce%x00%cI%x00%B%x00'
const FIELDS = 10

/** What GitHub lists of a push at most. Source: GitHub, "Webhook events and payloads", push, `commits`. */
const MOST_COMMITS = 2048

/** @param path of a local git repository, bare or not */
export function openRepository(
  fullName: string,
  path: string,
  { id, isPrivate }: { id: number; isPrivate: boolean },
): Repository {
  const git = async (...words: string[]): Promise<string> => {
    const environment = { PATH: process.env['PATH'] ?? '', ...GIT_ENVIRONMENT }
    const { stdout } = await run('git', ['-C', path, ...words], { env: environment, maxBuffer: 64 << 20 })
    return stdout
  }
  /** Output, or undefined when git says that there is no such thing. */
  const find = async (...words: string[]): Promise<string | undefined> => {
    try {
      return (await git(...words)).trim()
    } catch (error) {
      // 1: --quiet --verify did not find it; 128: it is no name at all
      const status = error instanceof Error && 'code' in error ? error.code : undefined
      if (status === 1 || status === 128) return undefined
      throw error
    }
  }
  const log = async (...words: string[]): Promise<Commit[]> =>
    parseLog(await git('log', `--format=${FORMAT}`, ...words))

  return {
    id,
    fullName,
    path,
    isPrivate,
    async findCommit(ref) {
      const sha = await find('rev-parse', '--quiet', '--verify', '--end-of-options', `${ref}^{commit}`)
      return sha === undefined ? undefined : (await log('--max-count=1', sha))[0]
    },
    async findRef(ref) {
      const sha = await find('show-ref', '--verify', '--hash', '--', ref)
      if (sha === undefined) return undefined
      return { sha, type: (await git('cat-file', '-t', sha)).trim() }
    },
    async branches() {
      const text = await git('for-each-ref', '--format=%(objectname) %(refname:short)', 'refs/heads')
      return text
        .split('\n')
        .filter(Boolean)
        .map((line) => ({ sha: line.slice(0, 40), name: line.slice(41) }))
    },
    async refs(prefix) {
      const format = '%(refname) %(objectname) %(objecttype) %(*objectname)'
      const text = await git('for-each-ref', `--format=${format}`, 'refs/heads', 'refs/tags')
      return text
        .split('\n')
        .filter((line) => line.startsWith(prefix))
        .map((line) => {
          const [ref = '', sha = '', type = '', peeled = ''] = line.split(' ')
          return { ref, sha, type, commit: peeled === '' ? sha : peeled }
        })
    },
    async findTag(sha) {
      if ((await find('cat-file', '-t', sha)) !== 'tag') return undefined
      return parseTag(sha, await git('cat-file', 'tag', sha))
    },
    defaultBranch: async () => (await git('symbolic-ref', '--short', 'HEAD')).trim(),
    commitsBetween: (before, after) =>
      log('--reverse', `--max-count=${MOST_COMMITS}`, after, ...(/^0+$/.test(before) ? [] : [`^${before}`])),
    async changes(sha) {
      const text = await git('diff-tree', '--root', '--no-commit-id', '--name-status', '-r', '-z', sha)
      const parts = text.split('\0').filter(Boolean)
      return parts.flatMap((status, index) =>
        index % 2 === 0 ? [{ status, path: parts[index + 1] ?? '' }] : [],
      )
    },
  }
}

function parseLog(text: string): Commit[] {
  const fields = text.split('\0')
  const commits: Commit[] = []
  for (let at = 0; at + FIELDS < fields.length; at += FIELDS) {
    const [sha, tree, parents, an, ae, ad, cn, ce, cd, message] = fields
      .slice(at, at + FIELDS)
      .map((field) => field.trim())
    commits.push({
      sha: sha ?? '',
      tree: tree ?? '',
      parents: (parents ?? '').split(' ').filter(Boolean),
      author: { name: an ?? '', email: ae ?? '', date: ad ?? '' },
      committer: { name: cn ?? '', email: ce ?? '', date: cd ?? '' },
      message: message ?? '',
    })
  }
  return commits
}

/** An annotated tag as git keeps it: headers, an empty line, the message. Source: git-mktag(1). */
function parseTag(sha: string, text: string): Tag {
  const end = text.indexOf('\n\n')
  const headers = new Map(
    text
      .slice(0, end)
      .split('\n')
      .map((line) => [line.slice(0, line.indexOf(' ')), line.slice(line.indexOf(' ') + 1)]),
  )
  const [, name = '', email = '', seconds = '0'] =
    /^(.*) <(.*)> (\d+)/.exec(headers.get('tagger') ?? '') ?? []
  return {
    sha,
    name: headers.get('tag') ?? '',
    message: text.slice(end + 2).trimEnd(),
    tagger: { name, email, date: isoSeconds(Number(seconds) * 1000) },
    object: { sha: headers.get('object') ?? '', type: headers.get('type') ?? '' },
  }
}
