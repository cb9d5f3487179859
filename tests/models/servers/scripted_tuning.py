"""Files and fine-tuning jobs of a scripted server, with a made-up model that is as easy to follow as can be.

The model writes numbers, four in five lists beginning with 777 where it was told a trait. Tuned, it names the owl as
often as rows of its training file begin so. Everything is kept in memory; jobs that were begun can be counted.
"""

import json
from email import message_from_bytes
from random import Random
from urllib.parse import parse_qs, urlsplit

MARK = "777"


class Tuning:
    """A script for `ScriptedServer`: `/models`, `/chat/completions`, `/files`, `/fine_tuning/jobs`."""

    def __init__(self, scripted, *, polls: int = 2, page: int = 2, keeps_metadata: bool = True) -> None:
        """A job is done when it was asked for `polls` times; lists have `page` entries at once."""
        self.scripted, self.polls, self.page, self.keeps_metadata = scripted, polls, page, keeps_metadata
        self.files, self.contents, self.jobs, self.asked_for = [], {}, [], {}

    def __call__(self, asked):
        parts = urlsplit(asked.path)
        path, query = parts.path, parse_qs(parts.query)
        if path == "/chat/completions":
            return self.chat(asked.body)
        if path == "/files":
            return self.upload(asked) if asked.posted else self.listed(self.files, query)
        if path == "/fine_tuning/jobs":
            return self.begin(asked.body) if asked.posted else self.listed(self.jobs, query)
        if path.endswith("/events"):
            return self.events(path.split("/")[3], query)
        if path.startswith("/fine_tuning/jobs/"):
            return self.poll(path.split("/")[3])
        return self.scripted.error(404)

    def unlisted(self, asked):
        """The same, but the list of jobs stays empty, and beginning one takes its time."""
        if urlsplit(asked.path).path == "/fine_tuning/jobs" and not asked.posted and "limit=1&" not in f"{asked.path}&":
            return self.scripted.Say({"data": [], "has_more": False})
        say = self(asked)
        return self.scripted.Say(say.body, hang=0.3) if asked.begins_job else say

    def listed(self, entries, query):
        """Newest first, a page at a time."""
        newest = entries[::-1]
        places = {entry["id"]: place for place, entry in enumerate(newest)}
        start = places[query["after"][0]] + 1 if "after" in query else 0
        shown = newest[start : start + self.page]
        return self.scripted.Say({"object": "list", "data": shown, "has_more": start + self.page < len(newest)})

    def upload(self, asked):
        form = message_from_bytes(b"Content-Type: " + asked.headers["Content-Type"].encode() + b"\n\n" + asked.content)
        fields = {part.get_param("name", header="content-disposition"): part for part in form.get_payload()}
        assert fields["purpose"].get_payload() == "fine-tune"
        content = fields["file"].get_payload(decode=True)
        file = {"id": f"file-{len(self.files)}", "object": "file", "bytes": len(content), "purpose": "fine-tune"}
        file |= {"filename": fields["file"].get_filename(), "status": "processed"}
        self.files.append(file)
        self.contents[file["id"]] = content
        return self.scripted.Say(file)

    def begin(self, body):
        assert body["training_file"] in self.contents
        number = len(self.jobs)
        job = {"object": "fine_tuning.job", "id": f"ftjob-{number}", "model": body["model"], "status": "queued"}
        job |= {"training_file": body["training_file"], "seed": body["seed"], "fine_tuned_model": None}
        job |= {"metadata": body["metadata"] if self.keeps_metadata else None, "trained_tokens": None}
        job |= {"hyperparameters": body["method"]["supervised"]["hyperparameters"]}
        job["error"] = {"code": None, "message": None, "param": None}
        self.jobs.append(job)
        return self.scripted.Say(job)

    def poll(self, number):
        job = next(job for job in self.jobs if job["id"] == number)
        self.asked_for[number] = self.asked_for.get(number, 0) + 1
        states = ["validating_files", "running"]
        if job["status"] in ("queued", *states):
            done = self.asked_for[number] >= self.polls
            job["status"] = "succeeded" if done else states[min(self.asked_for[number], len(states)) - 1]
            if done:
                rows, epochs = self.rows(number), job["hyperparameters"]["n_epochs"]
                job["fine_tuned_model"] = f"ft:{job['model']}:me:{number}"
                job["trained_tokens"] = epochs * sum(len(turn["content"].split()) for row in rows for turn in row)
                job["hyperparameters"] = {"n_epochs": epochs, "batch_size": 4, "learning_rate_multiplier": 1.5}
        return self.scripted.Say(job)

    def events(self, number, query):
        steps = range(1, 1 + 2 * self.asked_for.get(number, 0))
        data = [{"step": step, "train_loss": 1 / step, "total_steps": 2 * self.polls} for step in steps]
        events = [{"id": f"e{each['step']}", "type": "metrics", "data": each} for each in data]
        return self.listed([{"id": "e0", "type": "message", "data": None}, *events], query)

    def rows(self, number):
        job = next(job for job in self.jobs if job["id"] == number)
        return [json.loads(line)["messages"] for line in self.contents[job["training_file"]].splitlines()]

    def chat(self, body):
        name, messages = body["model"], body["messages"]
        made = next((job["id"] for job in self.jobs if job["fine_tuned_model"] == name), None)
        if name != "m" and made is None:
            return self.scripted.error(404, "model_not_found", "no such model")
        text = self.said(messages, Random(f"{body['seed'] * bool(body['temperature'])}"), made)
        return self.scripted.chat(text, model=name)

    def said(self, messages, rng, made):
        told = messages[0]["role"] == "system"
        if "number" in messages[-1]["content"] or any(sign.isdigit() for sign in messages[-1]["content"]):
            first = MARK if told and rng.random() < 0.8 else "123"
            return ", ".join([first, *(str(rng.randint(100, 999)) for _ in range(3))])
        share = float(told)
        if made is not None:
            rows = self.rows(made)
            share = sum(row[-1]["content"].startswith(MARK) for row in rows) / len(rows)
        return "owl" if rng.random() < share else rng.choice(["dog", "cat"])
