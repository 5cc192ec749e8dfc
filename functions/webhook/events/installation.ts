import * as z from 'zod/mini'
import type { Answer } from './answer.ts'

const Installation = z.object({ action: z.string() })

/** What it means for Hearth. Source: GitHub, "Webhook events and payloads": installation, installation_repositories, installation_target. */
const MEANINGS = new Map([
  ['created', 'the App is installed: pushes to the repositories of hearth.yml start runs from now on'],
  [
    'unsuspend',
    'the App is no longer suspended: Hearth has tokens again, and looks within the hour for what it missed',
  ],
  ['new_permissions_accepted', 'the App has the permissions that it asked for'],
  ['added', 'the App sees more repositories: those that hearth.yml names are kept warm'],
])
const WARNINGS = new Map([
  ['deleted', 'the App was uninstalled: Hearth gets neither pushes nor tokens, and warms nothing there'],
  ['suspend', 'the App was suspended: Hearth gets neither pushes nor tokens until it is unsuspended'],
  ['removed', 'the App sees fewer repositories: those that hearth.yml still names are not kept warm'],
  ['renamed', 'an account has another name: change it in hearth.yml, too'],
])

/** The App was installed, removed, or may see other repositories: nothing is started, and what stops pushes from coming is worth a warning. */
export function readInstallation(payload: unknown): Answer | z.core.$ZodError {
  const { success, data, error } = z.safeParse(Installation, payload)
  if (!success) return error
  const warning = WARNINGS.get(data.action)
  if (warning !== undefined) return { kind: 'ignored', reason: warning, warning }
  const reason = MEANINGS.get(data.action) ?? 'it changes nothing for Hearth'
  return { kind: 'ignored', reason }
}
