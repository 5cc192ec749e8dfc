import { mkdir } from 'node:fs/promises'
import { SourceNotFound, SourceUnavailable } from '../machine/errors.ts'
import { runProcess } from '../machine/processes.ts'

/**
 * Fetches one commit, without its history, into a new repository whose HEAD it becomes; nothing is checked out. Nix reads it from there as
 * `git+file://<folder>?rev=<commit>&shallow=1`, so that a flake sees the same `self.rev` as on a developer's machine.
 * @param source what `git fetch` takes: a URL (https, http, ssh, file) or a path; carries no credentials
 * @param environment also how a private repository is read
 * @param advise what to do about git's words
 * @throws SourceNotFound which names source and commit, with git's own words
 * @throws SourceUnavailable when the same may succeed a little later
 */
export async function fetchCommit(
  source: string,
  commit: string,
  folder: string,
  environment: Record<string, string>,
  advise: (words: string) => string | undefined = () => undefined,
): Promise<void> {
  await mkdir(folder, { recursive: true })
  const git = (...args: string[]): Promise<void> =>
    runGit(args, { source, commit, folder, environment, advise })
  await git('init', '--quiet')
  await git('fetch', '--quiet', '--no-tags', '--depth', '1', '--', source, commit)
  // Nix 2.8 asks for HEAD even when a revision is given, and fails on a branch without commits.
  await git('update-ref', '--no-deref', 'HEAD', commit)
}

/** Writes the files of a commit that `fetchCommit` fetched into a new folder; nothing of git is there. */
export async function checkOut(
  repository: string,
  commit: string,
  folder: string,
  environment: Record<string, string>,
): Promise<void> {
  await mkdir(folder, { recursive: true })
  const args = ['--work-tree', folder, 'checkout', '--quiet', commit, '--', '.']
  await runGit(args, { source: repository, commit, folder: repository, environment })
}

/** The flake reference of a commit that `fetchCommit` fetched. */
export function flakeReference(folder: string, commit: string): string {
  return `git+file://${encodeURI(folder)}?rev=${commit}&shallow=1`
}

interface Fetch {
  source: string
  commit: string
  folder: string
  environment: Record<string, string>
  advise?: (words: string) => string | undefined
}

async function runGit(args: string[], { source, commit, folder, environment, advise }: Fetch): Promise<void> {
  const output = await runProcess('git', args, {
    directory: folder,
    environment: {
      ...environment,
      // A repository that needs credentials is an error, not a question at a terminal that nobody watches.
      GIT_TERMINAL_PROMPT: '0',
      GIT_CONFIG_NOSYSTEM: '1',
      // `ext::` would run any command.
      GIT_ALLOW_PROTOCOL: 'https:http:ssh:file',
    },
  })
  if (output.status === 0) return
  const words = output.stderr.trim().split('\n').slice(-5).join('\n')
  const where = withoutCredentials(source)
  const advice = advise?.(words)
  const message = `cannot fetch commit ${commit} from ${where}: ${withoutCredentials(words)}${advice === undefined ? '' : `\n${advice}`}`
  throw TRANSIENT.test(words) ? new SourceUnavailable(message) : new SourceNotFound(message)
}

// What git and curl say of a network or a server that is in trouble, rather than of a repository or a commit.
const TRANSIENT =
  /could not resolve host|failed to connect|connection (was )?(timed out|refused|reset)|timed out|returned error: (429|5\d\d)|early EOF|RPC failed/i

/** A text with the user part of every URL in it left out, should somebody have put a token there. */
function withoutCredentials(text: string): string {
  return text.replace(/(\w+:\/\/)[^/\s@]+@/g, '$1')
}
