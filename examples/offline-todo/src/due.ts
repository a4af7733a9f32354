/**
 * Due times in the zone of the user. A todo is due on a date, as "2026-03-01", which is the same day everywhere and lasts
 * as long as that day does here; or at an instant, which the server returns in UTC.
 */

/** Whether its date has ended, or its instant has come. */
export function isOverdue(due: string, now: Date): boolean {
  return isDate(due) ? due < inputsOf(now.toISOString()).date : new Date(due) < now;
}

/** Whether it is its date, or its instant is on this day. */
export function isToday(due: string, now: Date): boolean {
  return inputsOf(due).date === inputsOf(now.toISOString()).date;
}

/** What a date input and a time input show. Without a time, it is a date. */
export interface Inputs {
  date: string;
  time: string;
}

export function inputsOf(due: string | null): Inputs {
  if (due === null || isDate(due)) {
    return { date: due ?? "", time: "" };
  }
  const at = new Date(due);
  const [year, month, day, hours, minutes] = [at.getFullYear(), at.getMonth() + 1, at.getDate(), at.getHours(), at.getMinutes()];
  return { date: `${digits(year, 4)}-${digits(month)}-${digits(day)}`, time: `${digits(hours)}:${digits(minutes)}` };
}

/** The due time of these inputs, as the server returns it. */
export function dueOf({ date, time }: Inputs): string | null {
  if (date === "" || time === "") {
    return date || null;
  }
  return new Date(`${date}T${time}`).toISOString().replace("Z", "000Z");
}

const isDate = (due: string) => due.length === "2026-03-01".length;
const digits = (number: number, length = 2) => `${number}`.padStart(length, "0");
