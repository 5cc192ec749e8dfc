/** A repository's name, `owner/name`, as the parameters that GitHub's REST API has for it. */
export function ownerAndRepo(repository: string): { owner: string; repo: string } {
  const [owner = '', repo = ''] = repository.split('/')
  return { owner, repo }
}
