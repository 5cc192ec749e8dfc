import type { EvaluationTokenAnswer } from '../../functions/shared/contract.ts'
import type { GitHubOwner } from './token-settings.ts'

/** What Nix, git and curl say of a repository that one may not read, or that is not there: GitHub makes no difference. */
const REFUSED =
  /HTTP error 40[134]|error: 40[134]|repository .*not found|could not read Username|terminal prompts disabled|Authentication failed|Permission denied|Host key verification failed/i

/** How a job may read, as far as it is known. */
export interface KnownAccess {
  place: GitHubOwner
  /** `owner/name` of the job */
  target: string
  /** what the function answered, or why it gave nothing */
  answer: EvaluationTokenAnswer | { why: string } | undefined
}

/**
 * What to do about an error that may mean: this repository is private.
 * @param words of Nix or git
 * @returns undefined when they are about something else
 */
export function adviseAccess(words: string, { place, target, answer }: KnownAccess): string | undefined {
  if (!REFUSED.test(words)) return undefined
  if (answer === undefined) return undefined
  if ('why' in answer) return `Hearth has no token of GitHub for this: ${answer.why}`
  const { token, repositories, unreachable } = answer
  if (token === undefined)
    return 'If it is private: Hearth has no credentials for GitHub, and reads what everybody can read. `hearth github setup` gives it some.'
  const repository = namedRepository(words, place)
  if (repository === undefined)
    return `If an input is private: of ${place.owner}, ${target} may read ${repositories.join(', ')}. hearth.yml names the others under privateInputs of ${target}.`
  const same = (other: string): boolean => other.toLowerCase() === repository.toLowerCase()
  const known = unreachable.find((one) => same(one.repository))
  if (known !== undefined) return `It stands under privateInputs of hearth.yml, but ${known.why}`
  if (repositories.some(same))
    return `hearth.yml allows ${target} to read ${repository}, and Hearth's token does not open it: \`hearth github status\` looks why.`
  const [owner = ''] = repository.split('/')
  if (owner.toLowerCase() !== place.owner.toLowerCase())
    return `If ${repository} is private: Hearth can read private inputs of ${place.owner} alone, with one token.`
  return `If ${repository} is private, hearth.yml has to allow ${target} to read it: put \`privateInputs: [${repository}]\` beside its name there, and push the configuration.`
}

/** The repository of this GitHub that an error names last. */
function namedRepository(words: string, { base }: GitHubOwner): string | undefined {
  const host = new URL(base).hostname.replaceAll('.', '\\.')
  const pattern = new RegExp(
    `(?<![\\w.-])(?:api\\.)?${host}(?::\\d+)?[/:](?:api/v3/)?(?:repos/)?([\\w.-]+/[\\w.-]+?)(?:\\.git)?(?=['"/?\\s\\]»]|$)`,
    'gm',
  )
  return [...words.matchAll(pattern)].at(-1)?.[1]
}
