/**
 * Due times. A todo is due on a date, as "2026-03-01", or at an instant. A date is compared in the zone of the instant that
 * it is compared with, so these functions name the zone of the user: that of this machine.
 */

import type { ListQuery } from "./client.js";

/** An instant, with the offset of this machine's zone at that time. Microseconds beyond those of `Date` are those given. */
export function withOffset(date: Date, microseconds = "000"): string {
  const offset = -date.getTimezoneOffset();
  const local = new Date(date.getTime() + offset * 60_000).toISOString().slice(0, -1);
  const [hours, minutes] = [Math.floor(Math.abs(offset) / 60), Math.abs(offset) % 60].map((it) => `${it}`.padStart(2, "0"));
  return `${local}${microseconds}${offset < 0 ? "-" : "+"}${hours}:${minutes}`;
}

/** What is due on the day of `now`: on its date, or at an instant of it. */
export function dueToday(now = new Date()): ListQuery {
  const start = (days: number) => new Date(now.getFullYear(), now.getMonth(), now.getDate() + days);
  // A date is after an instant if its day begins later: so today's is after the last microsecond of yesterday.
  const endOfYesterday = new Date(start(0).getTime() - 1);
  return { due_after: withOffset(endOfYesterday, "999"), due_before: withOffset(start(1)) };
}

/** What should have been done before `now`: the todos that the counter `overdue` counts, if it is given the same `now`. */
export function overdue(now = new Date()): ListQuery {
  return { is_completed: false, due_before: withOffset(now) };
}

/** A due time as the server returns it: a date as it is, an instant in UTC with microseconds. */
export function inUtc(due: string): string {
  if (/^\d{4}-\d\d-\d\d$/.test(due)) {
    return due;
  }
  const fraction = /\.(\d+)/.exec(due)?.[1] ?? "";
  const seconds = new Date(due.replace(/\.\d+/, "")).toISOString().slice(0, -".000Z".length);
  return `${seconds}.${fraction.slice(0, 6).padEnd(6, "0")}Z`;
}
