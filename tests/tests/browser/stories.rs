//! Whole stories of people, from the invitation to the end, each told again with something that gets in
//! the way in the middle of every step.

use crate::{files, fill, open_panel, press, talk::claim, tasks};
use nexus_tests::{Api, Member, Relay, browser::Browser, eventually, relay, string};
use serde_json::json;

/// What happens to Anna in the middle of each step.
#[derive(Clone, Copy, PartialEq)]
enum Twist {
    Nothing,
    /// She loads the page again.
    Reload,
    /// She goes on in another tab, and back.
    OtherTab,
    /// The relay is killed, and comes back.
    Restart,
}

struct Anna {
    relay: Relay,
    browser: Browser,
    twist: Twist,
    /// The two tabs, if there are two. The first one is not in front.
    tabs: Option<[String; 2]>,
}

const TOPIC: &str = "A day for the summer party";

#[test]
fn anna_invites_an_agent_and_gets_a_task_done_and_a_file() {
    Anna::new(Twist::Nothing).lives_through_it();
}

#[test]
fn she_does_it_all_on_a_phone() {
    let anna = Anna::new(Twist::Nothing);
    anna.browser.size(390, 844);
    anna.lives_through_it();
}

#[test]
fn she_may_load_the_page_again_in_the_middle_of_each_step() {
    Anna::new(Twist::Reload).lives_through_it();
}

#[test]
fn she_may_go_on_in_another_tab_in_the_middle_of_each_step() {
    Anna::new(Twist::OtherTab).lives_through_it();
}

#[test]
fn the_relay_may_restart_in_the_middle_of_each_step() {
    Anna::new(Twist::Restart).lives_through_it();
}

impl Anna {
    fn new(twist: Twist) -> Self {
        Self { relay: relay(), browser: Browser::start(), twist, tabs: None }
    }

    fn lives_through_it(mut self) {
        self.starts_a_conversation();
        let agent = self.invites_an_agent();
        self.gives_it_a_task(&agent);
        self.gets_a_file(&agent);
        self.ends_the_conversation(&agent);
    }

    fn starts_a_conversation(&mut self) {
        self.browser.open(&self.relay.url());
        self.fills_in_the_start();
        match self.twist {
            Twist::Reload => {
                self.browser.reload();
                self.fills_in_the_start();
            }
            Twist::Restart => {
                self.relay.kill();
                self.browser.click("#start button");
                self.browser.wait_for("#start [role=alert]", "again");
                self.relay.restart().unwrap();
            }
            Twist::Nothing | Twist::OtherTab => {}
        }
        self.browser.click("#start button");
        self.is_live();
        self.browser.wait_for("#title", TOPIC);
    }

    fn fills_in_the_start(&self) {
        for (field, text) in [("#name", "Anna Müller"), ("#greeting", TOPIC)] {
            self.browser.clear(field);
            self.browser.type_into(field, text);
        }
    }

    fn invites_an_agent(&mut self) -> Member {
        self.browser.wait_for("#alone-link", "/p/");
        let link = self.browser.text("#alone-link");
        self.meanwhile();
        self.browser.wait_for("#alone-link", &link);
        let agent = claim(&self.relay.url(), &link, "planner", &json!({ "name": "The Planner" }));
        self.browser.wait_for("#messages", "The Planner joined");
        eventually("the invitation is gone", || self.browser.text("#alone").is_empty());
        agent
    }

    fn gives_it_a_task(&mut self, agent: &Member) {
        let text = "Ask everyone for three days";
        self.fills_in_the_task(text);
        self.meanwhile();
        open_panel(&self.browser, "tasks-panel");
        if self.browser.count(".give textarea") == 0 {
            self.fills_in_the_task(text);
        }
        press(&self.browser, ".give", "", "Give the task");
        tasks::wait_for_status(&self.browser, text, "pending");
        let task = string(&tasks::named(&self.now(agent), text)["id"]);
        tasks::change(&self.now(agent), &task, &json!({ "status": "accepted" }));
        tasks::wait_for_status(&self.browser, text, "accepted");
        self.meanwhile();
        tasks::change(&self.now(agent), &task, &json!({ "status": "in_progress", "progress": 40 }));
        open_panel(&self.browser, "tasks-panel");
        self.browser.wait_for("#tasks-panel .task", "40 %");
        self.meanwhile();
        let done = json!({ "status": "completed", "result": "The 4th, 11th or 18th of June" });
        tasks::change(&self.now(agent), &task, &done);
        open_panel(&self.browser, "tasks-panel");
        self.finds_it_done(text, "The 4th, 11th or 18th of June");
    }

    /// Finds the result on the card. A page that did not know the task while it was open has it among those
    /// that are done, and so has one that has put its tasks in order since.
    fn finds_it_done(&self, text: &str, result: &str) {
        let shown = "card.offsetParent ? [card.dataset.status, card.querySelector('.task-result').innerText] : []";
        eventually("it is done", || {
            let found = tasks::of_card(&self.browser, text, shown);
            if found.is_null() {
                press(&self.browser, "#tasks-panel .filters", "", "Done");
            }
            found[0] == "completed" && found[1].as_str().unwrap_or_default().contains(result)
        });
    }

    fn fills_in_the_task(&self, text: &str) {
        open_panel(&self.browser, "tasks-panel");
        press(&self.browser, "#tasks-panel .panel-head", "Tasks", "Give a task");
        fill(&self.browser, ".give textarea", text);
        tasks::choose(&self.browser, ".give select", "to:planner");
    }

    fn gets_a_file(&mut self, agent: &Member) {
        open_panel(&self.browser, "files-panel");
        let days = "4 June\n11 June\n18 June\n".as_bytes();
        files::put(&self.now(agent), "days.txt", days);
        files::wait_for_file(&self.browser, "days.txt", "The Planner");
        self.meanwhile();
        open_panel(&self.browser, "files-panel");
        files::wait_for_file(&self.browser, "days.txt", "The Planner");
        files::keep_downloads(&self.browser);
        files::press_of(&self.browser, "days.txt", "Download");
        let (name, _, bytes) = files::saved(&self.browser);
        assert_eq!((name.as_str(), bytes.as_slice()), ("days.txt", days));
    }

    fn ends_the_conversation(&mut self, agent: &Member) {
        self.asks_to_end();
        self.meanwhile();
        if self.browser.count("#asking[open]") == 0 {
            self.asks_to_end();
        }
        self.browser.click("#asking-yes");
        self.browser.wait_for("#over-words", "You have ended it");
        assert!(self.browser.text("#messages").contains("The Planner"), "it can still be read");
        let end = self.now(agent).call("GET", "/messages").send().error();
        assert_eq!(end, (404, "session_not_found".to_owned()));
        if let Some([first, _]) = &self.tabs {
            self.browser.turn_to(first);
            self.browser.wait_for("#over-heading", "This conversation has ended");
        }
        self.browser.open(&self.relay.url());
        self.browser.wait_for("#mine-none", "None in this browser");
    }

    fn asks_to_end(&self) {
        open_panel(&self.browser, "people-panel");
        self.browser.click("#end");
        self.browser.wait_for("#asking-words", "for everybody");
    }

    /// What gets in the way.
    fn meanwhile(&mut self) {
        match self.twist {
            Twist::Nothing => return,
            Twist::Reload => self.browser.reload(),
            Twist::OtherTab => self.changes_tabs(),
            Twist::Restart => {
                self.relay.kill();
                self.browser.wait_for("#connection", "No connection");
                self.relay.restart().unwrap();
            }
        }
        self.is_live();
        self.browser.wait_for("#title", TOPIC);
    }

    fn changes_tabs(&mut self) {
        let [first, second] = self.tabs.take().unwrap_or_else(|| {
            let (address, tab) = (self.browser.url(), self.browser.tab());
            let other = self.browser.new_tab();
            self.browser.turn_to(&other);
            self.browser.open(&address);
            [other, tab]
        });
        self.browser.turn_to(&first);
        self.tabs = Some([second, first]);
    }

    fn is_live(&self) {
        self.browser.wait_for("#connection", "Live");
    }

    /// The agent, at the relay as it runs now.
    fn now(&self, agent: &Member) -> Member {
        Member { api: Api::new(&self.relay.url()), ..agent.clone() }
    }
}
