import { expect, test } from 'vitest'
import { fullRef } from '../../../../functions/shared/full-ref.ts'

// As git itself reads them, in a repository that has both: `git rev-parse --symbolic-full-name heads/main tags/v1`
test.each([
  ['main', 'refs/heads/main'],
  ['feature/x', 'refs/heads/feature/x'],
  ['heads/main', 'refs/heads/main'],
  ['tags/v1', 'refs/tags/v1'],
  ['tagsoup', 'refs/heads/tagsoup'],
  ['refs/tags/v1', 'refs/tags/v1'],
  ['refs/heads/tags/v1', 'refs/heads/tags/v1'],
])('%s is %s', (text, ref) => {
  expect(fullRef(text)).toBe(ref)
})
