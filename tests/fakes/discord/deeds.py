"""What people do on Discord, with the events the app gets for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tests.fakes.discord.mentions import mentioned
from tests.fakes.discord.permissions import has
from tests.fakes.discord.presses import Presses
from tests.fakes.discord.records import DM, FORUM, PRIVATE_THREAD, PUBLIC_THREAD, REPLY, Channel, Guild, Post
from tests.fakes.discord.slash import Slash
from tests.fakes.discord.world import BOT, now

Attached = tuple[str, bytes]  # a name and what is in it


class Deeds(Slash, Presses):
    """The people, as far as the app notices them. What Discord would not let them do fails an assertion."""

    def say(
        self, user: str, channel: str, text: str, *files: Attached, reply_to: Post | None = None, **more: Any
    ) -> Post:
        """Write in a channel, a thread or direct messages; a reply notifies whom it answers."""
        place = self.world.channels[channel]
        granted = self.world.permissions(user, place)
        needed = "send_messages_in_threads" if place.is_thread else "send_messages"
        assert place.kind != FORUM, "in a forum people start posts"
        assert has(granted, needed), f"{user} may not write in {channel}"
        if place.is_thread and user not in place.members:
            place.members.append(user)
            self.events.thread_members(place, user, added=True)
        if place.archived:
            place.archived = False
            self.events.channel(place, "UPDATE")
        post = self._write(user, place, text, files, reply_to, **more)
        self.events.posted(post)
        return post

    def tell(self, user: str, text: str, *files: Attached, reply_to: Post | None = None) -> Post:
        """Write to the bot directly."""
        return self.say(user, self.open_dm(user), text, *files, reply_to=reply_to)

    def open_dm(self, user: str) -> str:
        """Open direct messages with the bot and return their id. The app hears of them with the first message."""
        return self.world.direct(user).id

    def start_thread(self, user: str, post: Post, name: str) -> Channel:
        """Start a thread on a message."""
        parent = self.world.channels[post.channel]
        thread = self._thread(user, parent, name, post.id)
        announced = self.world.announce(thread)
        self.events.channel(thread, "CREATE")
        self.events.posted(announced)
        self.events.edited(post)
        return thread

    def start_private_thread(self, user: str, channel: str, name: str, *, with_bot: bool = True) -> Channel:
        thread = self._thread(user, self.world.channels[channel], name, self.world.next_id(), PRIVATE_THREAD)
        if with_bot:
            thread.members.append(BOT)
            self.events.channel(thread, "CREATE")
            self.events.thread_members(thread, BOT, added=True)
        return thread

    def start_post(
        self, user: str, forum: str, title: str, text: str, *files: Attached, tags: Sequence[str] = ()
    ) -> Post:
        """Start a post in a forum, with tags by their names, and return its first message; both share one id."""
        place = self.world.channels[forum]
        assert place.kind == FORUM, f"{forum} is no forum"
        by_name = {tag["name"]: tag["id"] for tag in place.tags}
        thread = self._thread(user, place, title, self.world.next_id())
        thread.applied_tags = [by_name[tag] for tag in tags]
        post = self._write(user, thread, text, files, None, id=thread.id)
        self.events.channel(thread, "CREATE")
        self.events.posted(post)
        return post

    def archive(self, thread: str, *, locked: bool = False) -> None:
        """Close a thread or a forum post; a locked one opens for moderators only."""
        place = self.world.channels[thread]
        place.archived, place.locked = True, locked
        self.events.channel(place, "UPDATE")

    def remove_channel(self, channel: str) -> None:
        """Delete a channel or a thread."""
        place = self.world.channels[channel]
        self.events.channel(place, "DELETE")
        place.deleted = True

    def edit(self, post: Post, text: str) -> None:
        post.edits.append(post.content)
        post.content, post.edited = text, now()
        self.events.edited(post)

    def remove(self, post: Post) -> None:
        """Delete a message; one of the bot's too, as a moderator does."""
        post.deleted = True
        self.events.deleted(post)

    def dismiss(self, post: Post) -> None:
        """Put an ephemeral message away. The app does not hear of it."""
        assert post.to is not None, "only what one person sees can be dismissed"
        post.deleted = True

    def react(self, user: str, post: Post, emoji: str) -> None:
        assert post.to is None, "nobody can react to an ephemeral message"
        assert user not in post.reactions.get(emoji, []), f"{user} has reacted so already"
        post.reactions.setdefault(emoji, []).append(user)
        self.events.reacted(post, user, emoji, added=True)

    def unreact(self, user: str, post: Post, emoji: str) -> None:
        post.reactions[emoji].remove(user)
        self.events.reacted(post, user, emoji, added=False)

    def type(self, user: str, channel: str) -> None:
        self.events.typed(self.world.channels[channel], user)

    def join(self, user: str, guild: str) -> None:
        place = self.world.guilds[guild]
        place.members.setdefault(user, [])
        self.events.member(place, user, "ADD")

    def leave(self, user: str, guild: str) -> None:
        place = self.world.guilds[guild]
        del place.members[user]
        event = {"guild_id": guild, "user": self.world.people[user].as_user()}
        self.events.removed(place, event)

    def invite_bot(self, guild: Guild) -> None:
        """Let the bot into a server that it was not in; for one that was unavailable, let it come back."""
        guild.unavailable = False
        guild.members.setdefault(BOT, [])
        self.events.guild(guild)

    def remove_bot(self, guild: Guild) -> None:
        """Put the bot out of a server."""
        guild.members.pop(BOT, None)
        self.events.left(guild, unavailable=False)

    def break_down(self, guild: Guild) -> None:
        """Let a server become unavailable, until `invite_bot` brings it back."""
        guild.unavailable = True
        self.events.left(guild, unavailable=True)

    def _thread(self, user: str, parent: Channel, name: str, key: str, kind: int = PUBLIC_THREAD) -> Channel:
        assert parent.kind != DM, "direct messages have no threads"
        thread = Channel(key, kind, name, parent.guild, parent.id, members=[user], owner=user)
        self.world.channels[thread.id] = thread
        return thread

    def _write(
        self, user: str, place: Channel, text: str, files: Sequence[Attached], reply_to: Post | None, **more: Any
    ) -> Post:
        attached = [self.world.add_file(place.id, name, content) for name, content in files]
        reference = None
        if reply_to is not None:
            reference = {"type": 0, "channel_id": place.id, "message_id": reply_to.id, "guild_id": place.guild}
        post = self.world.add_post(
            place.id, user, text, files=attached, reference=reference, kind=REPLY if reply_to else 0, **more
        )
        may_all = has(self.world.permissions(user, place), "mention_everyone")
        found = mentioned(text, None, may_all=may_all, replied_to=reply_to.author if reply_to else None)
        post.mentions, post.mentions_everyone, post.pings = found.people, found.everyone, found.pings
        return post
