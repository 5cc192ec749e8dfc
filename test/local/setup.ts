import { beforeAll } from 'vitest'
import { ensurePrerequisites } from '../../local/demo/prerequisites.ts'

// Every local test runs on what this installs or finds. Where it can do neither, each test file fails and names the remedy: none is passed over.
beforeAll(async () => {
  await ensurePrerequisites((line) => console.log(line))
})
