/* A liblinphone client that does group chat, told what to do on its standard input and telling what happens on its standard output.
 *
 * liblinphone is under the AGPL, and so is a program that is linked with it: this one is a test tool of its own, built when the tests
 * run, and no part of the product.
 *
 * Usage: group_client RC-FILE LOG-FILE
 *
 * Commands, one a line: `create SUBJECT URI...` (spaces in the subject as `_`), `send TEXT`, `subject TEXT`, `add URI`, `remove URI`,
 * `leave`, `quit`. Events, one a line: `registered`, `room STATE PEER`, `message TEXT`, `message-state STATE TEXT`,
 * `subject TEXT`, `joined URI`, `left URI`.
 */

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linphone/core.h>

static LinphoneChatRoom *room;
static FILE *log_file;

static void on_log(LinphoneLoggingService *service, const char *domain, LinphoneLogLevel level, const char *text) {
	(void)service;
	(void)domain;
	(void)level;
	fprintf(log_file, "%s\n", text);
	fflush(log_file);
}

static void tell(const char *what, const char *first, const char *second) {
	printf("%s %s%s%s\n", what, first ? first : "", second ? " " : "", second ? second : "");
	fflush(stdout);
}

static void on_message_state(LinphoneChatMessage *message, LinphoneChatMessageState state) {
	tell("message-state", linphone_chat_message_state_to_string(state), linphone_chat_message_get_utf8_text(message));
}

static void on_participant_state(LinphoneChatMessage *message, const LinphoneParticipantImdnState *state) {
	(void)message;
	char *uri = linphone_address_as_string_uri_only(
	    linphone_participant_get_address(linphone_participant_imdn_state_get_participant(state)));
	tell("report", linphone_chat_message_state_to_string(linphone_participant_imdn_state_get_state(state)), uri);
	bctbx_free(uri);
}

static void watch_message(LinphoneChatMessage *message) {
	LinphoneChatMessageCbs *cbs = linphone_factory_create_chat_message_cbs(linphone_factory_get());
	linphone_chat_message_cbs_set_msg_state_changed(cbs, on_message_state);
	linphone_chat_message_cbs_set_participant_imdn_state_changed(cbs, on_participant_state);
	linphone_chat_message_add_callbacks(message, cbs);
	linphone_chat_message_cbs_unref(cbs);
}

static void on_message(LinphoneCore *core, LinphoneChatRoom *from, LinphoneChatMessage *message) {
	(void)core;
	const char *text = linphone_chat_message_get_utf8_text(message);
	char *peer = linphone_address_as_string_uri_only(linphone_chat_message_get_from_address(message));
	if (text) tell("message", peer, text);
	bctbx_free(peer);
	linphone_chat_room_mark_as_read(from);
}

static void on_room_state(LinphoneCore *core, LinphoneChatRoom *changed, LinphoneChatRoomState state) {
	(void)core;
	static const char *names[] = {"None", "Instantiated", "CreationPending", "Created", "CreationFailed", "TerminationPending",
	                              "Terminated", "TerminationFailed", "Deleted"};
	const LinphoneAddress *peer = linphone_chat_room_get_peer_address(changed);
	char *uri = peer ? linphone_address_as_string_uri_only(peer) : NULL;
	tell("room", (unsigned)state < 9 ? names[state] : "Unknown", uri);
	if (uri) bctbx_free(uri);
	if (state == LinphoneChatRoomStateCreated && !room) room = linphone_chat_room_ref(changed);
}

static void on_subject(LinphoneCore *core, LinphoneChatRoom *changed) {
	(void)core;
	tell("subject", linphone_chat_room_get_subject(changed), NULL);
	printf("members %d\n", linphone_chat_room_get_nb_participants(changed));
	fflush(stdout);
}

static void on_registration(LinphoneCore *core, LinphoneAccount *account, LinphoneRegistrationState state, const char *text) {
	(void)core;
	(void)account;
	(void)text;
	if (state == LinphoneRegistrationOk) tell("registered", "", NULL);
}

static LinphoneParticipant *participant(const char *uri) {
	LinphoneAddress *address = linphone_factory_create_address(linphone_factory_get(), uri);
	LinphoneParticipant *found = address && room ? linphone_chat_room_find_participant(room, address) : NULL;
	if (address) linphone_address_unref(address);
	return found;
}

static void create(LinphoneCore *core, char *rest) {
	char *subject = strtok(rest, " ");
	if (!subject) return;
	for (char *c = subject; *c; c++)
		if (*c == '_') *c = ' ';
	bctbx_list_t *members = NULL;
	for (char *uri = strtok(NULL, " "); uri; uri = strtok(NULL, " "))
		members = bctbx_list_append(members, linphone_factory_create_address(linphone_factory_get(), uri));
	LinphoneChatRoomParams *params = linphone_core_create_default_chat_room_params(core);
	linphone_chat_room_params_set_backend(params, LinphoneChatRoomBackendFlexisipChat);
	linphone_chat_room_params_enable_group(params, TRUE);
	linphone_chat_room_params_enable_encryption(params, FALSE);
	linphone_chat_room_params_set_subject(params, subject);
	LinphoneChatRoom *made = linphone_core_create_chat_room_6(core, params, NULL, members);
	tell("create", made ? "asked" : "refused", NULL);
	if (made) linphone_chat_room_unref(made);
	linphone_chat_room_params_unref(params);
	bctbx_list_free_with_data(members, (bctbx_list_free_func)linphone_address_unref);
}

static int obey(LinphoneCore *core, char *line) {
	char *rest = strchr(line, ' ');
	if (rest) *rest++ = 0;
	if (!strcmp(line, "quit")) return 0;
	if (!strcmp(line, "create") && rest) {
		create(core, rest);
	} else if (!room) {
		tell("error", "no room yet", NULL);
	} else if (!strcmp(line, "send") && rest) {
		LinphoneChatMessage *message = linphone_chat_room_create_message_from_utf8(room, rest);
		watch_message(message);
		linphone_chat_message_send(message);
	} else if (!strcmp(line, "subject") && rest) {
		linphone_chat_room_set_subject(room, rest);
	} else if (!strcmp(line, "add") && rest) {
		LinphoneAddress *address = linphone_factory_create_address(linphone_factory_get(), rest);
		linphone_chat_room_add_participant(room, address);
		linphone_address_unref(address);
	} else if (!strcmp(line, "remove") && rest && participant(rest)) {
		linphone_chat_room_remove_participant(room, participant(rest));
	} else if (!strcmp(line, "leave")) {
		linphone_chat_room_leave(room);
	} else if (!strcmp(line, "members")) {
		printf("members %d\n", linphone_chat_room_get_nb_participants(room));
		fflush(stdout);
	} else {
		tell("error", line, NULL);
	}
	return 1;
}

int main(int argc, char **argv) {
	if (argc != 3 || !(log_file = fopen(argv[2], "w"))) {
		fprintf(stderr, "usage: %s RC-FILE LOG-FILE\n", argv[0]);
		return 64;
	}
	LinphoneFactory *factory = linphone_factory_get();
	LinphoneLoggingService *logs = linphone_logging_service_get();
	LinphoneLoggingServiceCbs *log_cbs = linphone_factory_create_logging_service_cbs(factory);
	linphone_logging_service_cbs_set_log_message_written(log_cbs, on_log);
	linphone_logging_service_add_callbacks(logs, log_cbs);
	linphone_logging_service_set_log_level(logs, LinphoneLogLevelMessage);
	LinphoneCore *core = linphone_factory_create_core_3(factory, argv[1], NULL, NULL);
	LinphoneCoreCbs *cbs = linphone_factory_create_core_cbs(factory);
	linphone_core_cbs_set_chat_room_state_changed(cbs, on_room_state);
	linphone_core_cbs_set_chat_room_subject_changed(cbs, on_subject);
	linphone_core_cbs_set_message_received(cbs, on_message);
	linphone_core_cbs_set_account_registration_state_changed(cbs, on_registration);
	linphone_core_add_callbacks(core, cbs);
	linphone_core_start(core);

	fcntl(STDIN_FILENO, F_SETFL, O_NONBLOCK);
	char line[4096];
	size_t length = 0;
	for (int running = 1; running;) {
		linphone_core_iterate(core);
		usleep(10000);
		char c;
		while (running && read(STDIN_FILENO, &c, 1) == 1) {
			if (c != '\n' && length < sizeof line - 1) {
				line[length++] = c;
				continue;
			}
			line[length] = 0;
			length = 0;
			running = obey(core, line);
		}
	}
	if (room) linphone_chat_room_unref(room);
	linphone_core_stop(core);
	linphone_core_cbs_unref(cbs);
	linphone_core_unref(core);
	linphone_logging_service_cbs_unref(log_cbs);
	return 0;
}
