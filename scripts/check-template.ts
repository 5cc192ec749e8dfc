import { loadAwsServiceSpec } from '@aws-cdk/aws-service-spec'
import { readdir, readFile } from 'node:fs/promises'
import { reportFindings } from './check/finding.ts'
import { objectOf } from './check/json.ts'
import { checkTemplate } from './check/template/check-template.ts'
import { wildcards } from './check/template/wildcards.ts'

/** Checks the template that `npm run package` wrote. One line per finding; exits with 1 when there is one. */
const file = '.serverless/cloudformation-template-update-stack.json'

async function readTemplateFile(): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (thrown) {
    throw new Error(`${file} cannot be read: run \`npm run package\` first`, { cause: thrown })
  }
}

const template: unknown = JSON.parse(await readTemplateFile())
const folders = await readdir('functions', { withFileTypes: true })
const findings = await checkTemplate(file, objectOf(template), {
  specification: await loadAwsServiceSpec(),
  functionFolders: folders
    .filter((entry) => entry.isDirectory() && entry.name !== 'shared')
    .map(({ name }) => name),
  wildcards,
})
reportFindings(findings, file)
