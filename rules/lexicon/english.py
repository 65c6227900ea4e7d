"""English words of requests. ``-`` at the end of a word stands for any ending, ``_`` joins the words of a phrase."""

from rules.lexicon.senses import Sense, Table

_LIFTED = " ".join(
    f"{act}_{thing}-"
    for act in ("remov-", "removal_of", "lift-", "lifting_of", "end", "ending_of", "releas-", "cancel", "take_off")
    for thing in ("the_hold", "the_restriction", "the_block", "the_freeze", "the_suspension")
)

LAW: Table = {
    Sense.CHANGE: (
        "clarification_of_my swap got_married got_divorced update updating updat- chang- actuali- rectif- correct correcting "
        "correction- amend- supplement- modif- edit"
    ),
    Sense.REVOKE: (
        "invalid void as_cancelled as_withdrawn withdrawn take_my_consent_back no_longer_consent do_not_consent revok- revoc- "
        "withdraw- withdrew recall- rescind- take_back taking_back"
    ),
    Sense.CANCEL: "cancell- cancel- annul-",
    Sense.REFUSE: (
        "rather_not_get rather_not_receive not_want_to_receive don't_want_to_receive dont_want_to_receive "
        "no_longer_want_to_receive not_wish_to_receive refus- declin-"
    ),
    Sense.STOP: "mute end finish switch_off turn_off quit no_more stop stopping stopped ceas- cessation terminat- discontinu- halt",
    Sense.UNSUBSCRIBE: "opt_me_out unsubscri- opt_out opting_out opted_out optout",
    Sense.ERASE: (
        "clear_out shred dispose_of get_my_number_out get_me_out strike_us strike_me delete deletion deleted remove erase scrub "
        "drop_me delet- erasure_request deletion_request eras- destroy- destruct- remov- purge"
    ),
    Sense.BLOCK: (
        "frozen lock_up lock on_hold block blocking blocked suspend- freez- restrict- temporar-_stop- temporar-_ceas- temporar-_cessation"
    ),
    Sense.UNBLOCK: (
        f"unfreeze unlock open_it back_to_work {_LIFTED} use_them_again use_it_again blocked_data frozen_data restricted_data "
        "release cancel_the_freeze end_the_hold lift_the_hold lift_the_freeze lift_the_restriction unlock- thaw- unfroze "
        "removal_of_the_restriction removal_of_restriction remov-_the_restriction removal_of_the_block lift-_restriction "
        "back_into_use open_it_again un_block- unblock- unfreez- lift-_block- lift-_the_block- lift-_of_the_block- "
        "lift-_the_restriction- remov-_the_block-"
    ),
    Sense.TELL: (
        "familiari- acquaint access copy copies information inform which what disclose_to_me provide export obtain send_me portability"
    ),
    Sense.FORBID: "to_yourselves to_yourself do_not_allow don't_allow do_not_permit prohibit- forbid- ban banning",
    Sense.OBJECT: (
        "challenge contest refuse_to_be refuse_to_let no_automated_decision- not_want_to_be_profiled no_automatic_decision- "
        "opposing opposition human_review human_intervention reviewed_by_a_human no_profiling object objection- objecting oppose "
        "against"
    ),
    Sense.UNLAWFUL: "illegal- unlawful-",
    Sense.CONSENT: (
        "agreement_for_personal_data agreement_for_processing agreement_for_the_processing agreement_for_my_data "
        "agreement_on_processing agreement_on_the_processing agreement_on_treatment agreement_to_processing "
        "agreement_to_the_processing take_my_consent_back my_consent_back permission consent consents no_longer_consent "
        "do_not_consent"
    ),
    Sense.DATA: (
        "blocked_data frozen_data restricted_data datas my_records my_record my_info info_about_me recorded_on_me relating_to_me "
        "concerning_me photos photo photograph- data details pii about_me have_on_me got_on_me hold_on_me keep_on_me "
        "my_information all_my_information personal_information erasure_request deletion_request sar dsar subject_access_request "
        "access_request"
    ),
    Sense.PERSONAL: "personal pii personal_information",
    Sense.PROCESSING: "processing process processed use using uses used storing storage collecting collection",
    Sense.TRANSFER: (
        "passed handed not_hand don't_hand to_yourselves to_yourself transfer- disclose share sharing shared disclosing "
        "disclosure distribut- pass_on passing_on passing pass give giving sell selling"
    ),
    Sense.THIRD_PARTY: "third_part- anyone anybody abroad cross_border partners",
    Sense.AUTOMATED: (
        "no_automated_decision- not_want_to_be_profiled no_automatic_decision- human_review human_intervention "
        "reviewed_by_a_human no_profiling automated automatic_decision- automated_decision- automated_individual profiling "
        "profile_me"
    ),
    Sense.MAILING: "notification- notice notices newsletter- mailing- marketing advertis- mailing_list- spam",
    Sense.NOT: "not_hand don't_hand",
    Sense.AUTHORITY: "committee_for_information_security cis_of_the_ministry body_for_the_protection_of_the_rights data_protection_body",
}

PEOPLE: Table = {
    Sense.AUTOMATED: (
        "system systems computer- software automatic automatically program programme algorithm- robot- machine computer ai "
        "artificial_intelligence neural_network- scoring bot"
    ),
    Sense.REVOKE: "no_longer_agree do_not_agree don't_agree dont_agree",
    Sense.CONSENT: "no_longer_agree_to_the_processing do_not_agree_to_the_processing",
    Sense.FOR: "for on_behalf_of behalf",
    Sense.ORDER: "inspection prescription- requires requests order orders eliminate",
    Sense.HOW_MUCH: "how_long where when why",
    Sense.HELPS: "types typing writes_this helps helping dictat-",
    Sense.REPRESENTS: (
        "by_power_of_attorney under_power_of_attorney under_a_power_of_attorney with_power_of_attorney power_of_attorney_attached "
        "power_of_attorney_enclosed power_of_attorney_to_follow power_of_attorney_follows on_behalf_of representative lawyer "
        "attorney in_the_name_of my_client"
    ),
    Sense.HIS: "his her their",
    Sense.AGAIN: "again second_letter second_time once_more resend- re_send- no_reply no_answer no_response",
    Sense.BULK: "newsletter- mailing- marketing advertis- mailing_list- spam promo promotion- ads digest-",
    Sense.CHANGE: "amend fix record changed",
    Sense.UNSUBSCRIBE: (
        "off_your_distribution_list off_your_distribution removal_from_the_mailing_list strike_me strike_us make_it_end "
        "strike_us_off strike_me_off drop_my_address no_mass_mailings leave_me_alone off_your_list off_your_sms_list "
        "off_your_mailing_list off_the_list off_your_email_list off_the_mailing_list sign_me_off"
    ),
    Sense.ERASE: "take_me_of get_rid_of right_to_be_forgotten wipe forget take_me_off take_off",
    Sense.TELL: (
        "please_list list_the transcript can_i_get can_i_have can_i_see could_i_get could_i_have may_i_see like_to_see "
        "want_to_see like_to_know want_to_know list_it sar dsar subject_access_request access_request show_me show who "
        "confirm_whether confirm_that tell_me give_me_a_list give_me_the_list"
    ),
    Sense.WHENCE: (
        "who_has_my who_gave_you where_did_u_get where_did_you_take where_did_you_get where_you_got where_do_you_have how_did_you_get"
    ),
    Sense.CONTACT: (
        "maiden_name contacts contact_data phone- telephone mobile number e_mail email contact_details surname lastname last_name "
        "first_name family_name name patronymic address mail_address"
    ),
    Sense.MAILING: (
        "campaign- distribution_list tips circular_letters promos bulletin circulation circular- commercials subscription mails "
        "mailings digest- discount- new_products promo promotion- ads news offers special_offers emails e_mails messages letters "
        "sms alerts"
    ),
    Sense.SEND: (
        "delivering deliver calls phone_calls text_me call_me texting send sending messaging emailing e_mailing writing "
        "contacting calling bothering spamming email_me message_me write_me contact_me"
    ),
    Sense.ACCOUNT: "account accounts profile",
    Sense.LIST: "off_your_list off_your_sms_list off_your_mailing_list off_the_list off_your_email_list off_the_mailing_list list lists",
    Sense.BASE: "database- crm",
    Sense.ME: "opt_me_out drop_me me myself right_to_be_forgotten take_me_off sign_me_off send_me",
    Sense.MY: (
        "my_cv my_resume copy_of_my_id copies_of_my_documents my_id_copy my_records my_record take_my_consent_back "
        "my_consent_back my_info info_about_me recorded_on_me relating_to_me concerning_me have_on_me got_on_me hold_on_me "
        "keep_on_me my_contacts my my_information all_my_information erasure_request deletion_request mine sar dsar "
        "subject_access_request access_request own about_me i_have"
    ),
    Sense.YOUR: "your yours",
    Sense.NEW: "old former maiden_name new another different other",
    Sense.WRONG: "incorrect wrong inaccurate outdated error- mistake- typo- misspel- out_of_date",
    Sense.NOT: "nobody no_one not no don't never dont",
    Sense.WANT: "want wish more any_more anymore",
    Sense.POLICY: "policy policies privacy_policy privacy_notice",
    Sense.QUESTION: (
        "what_does_it_mean what_is_meant_by what_is what_does what_are question- clarif- explain- explanation- how can_i may_i "
        "could_i can_one is_it_possible am_i_allowed whether do_i wondering what_is_meant"
    ),
    Sense.WHETHER: (
        "do_i_have_to is_there are_there how_can_i how_do_i how_to how can_i may_i could_i can_one is_it_possible am_i_allowed whether do_i"
    ),
    Sense.REQUEST: "request- application- demand- statement",
    Sense.SUBSCRIBE: "keep_receiving continue_receiving want_to_receive continue_to_receive subscribe subscribing sign_up turn_on",
    Sense.INSTRUCTION: (
        "by_the_link we_help_you we_will_help to_stop_receiving you_may_withdraw you_may_unsubscribe you_may_opt_out "
        "you_may_at_any_time intended_recipient addressee you_have_the_right you_can_unsubscribe you_can_withdraw "
        "you_no_longer_wish in_error manage_preferences view_in_browser preferences click press_here tap"
    ),
    Sense.TAKEN_BACK: (
        "no_wait actually_no wrong_recipient wrong_thing do_want_to on_no_account keep_the_old i_do_agree wrong_template "
        "keep_them_coming notifications_on nothing_has_changed everything_stays stays_as_it_was was_a_mistake please_don't_, "
        "as_it_is just_kidding do_nothing keep_everything number_stays scrap_that second_thoughts keep_me_on forget_my_letter "
        "on_the_contrary nothing_changes nothing_to_change no_changes_needed cancel_yesterday's_request take_it_back "
        "is_no_longer_needed ignore disregard wrong_address by_mistake changed_my_mind change_my_mind never_mind nevermind "
        "do_not_need_this i_did_not_write take_back_my_request cancel_my_request withdraw_my_request"
    ),
    Sense.IF: "if",
    Sense.THANKS: "grateful noted cheers got_your thanks thank_you thank thx fine great got_it received ok okay perfect a_lot",
    Sense.RELATIVE: (
        "tenant tenant's spouse spouse's granddaughter's grandson's neighbour neighbour's neighbor neighbor's boss client's "
        "sister sister's brother brother's mother mother's mom mom's father father's dad dad's son son's daughter daughter's wife "
        "wife's husband husband's friend friend's colleague colleague's child child's grandmother grandmother's grandfather "
        "grandfather's on_behalf_of"
    ),
    Sense.AUTHORITY: (
        "authorised_body authorized_body data_protection_authority committee_on_information_security "
        "information_security_committee ministry_of_artificial_intelligence ministry_of_digital_development"
    ),
    Sense.STATE_BODY: (
        "inspectorate inspectors revenue tax_code tax prosecution enforcement_agent court police prosecutor- investigat- bailiff- "
        "tax_authority tax_office"
    ),
    Sense.OTHERS: "driver- people's employee- staff customer- client- supplier- vendor- patient- student- personnel users members",
    Sense.GATHERING: (
        "save_the_date panel gdpr_software book_a_demo newsletter_of join_our masterclass- last_call webinar- seminar- "
        "conference- workshop- training- course courses summit- forum- article-_on magazine-"
    ),
    Sense.COMPLAINT: "complain-",
    Sense.LEAK: "leaked read_out published exposed leak- disclosed",
    Sense.EMPTY: (
        "doctor director manager registrar administrator administration reception secretary accountant officer office department "
        "team attention bye goodbye curious urgent help question- request- sorry bother from_my_iphone iphone hey hi ref no "
        "outgoing incoming new_message untitled complaint- info information letter- message- everyone all whom concern it may"
    ),
    Sense.BUSINESS: (
        "chat rota queue bought mobile_data gigabyte- order orders invoice- bill- report- order- delivery deliveries shipment- "
        "cargo offer- quotation- price- tender- contract- agreement- payment- account_statement- meeting- appointment- schedule- "
        "vacancy vacancies cv resume job- interview- photo- photos catalog- brochure- rates rate certificate- receipt- refund- "
        "warranty- guarantee- booking- reservation- parking repair- insurance visa passport flight- project- drawing- estimate- "
        "proposal- presentation- results analysis test tests"
    ),
    Sense.SCOPE: "to for",
    Sense.SMALL: (
        "stop_by stopped_by stopping_by joined_by_mistake registered_by_mistake signed_by_mistake ticked_by_mistake "
        "it_there_by_mistake is_blocked was_blocked been_blocked got_blocked are_blocked if_so if_yes everything relating "
        "everywhere wherever please_note kindly further any_further from_now_on there here when then than while because since "
        "until after before between over under only just even too very really so such same some few many much most could may "
        "might cannot can't won't need needs needed ask asks asking asked let make take get give put go come keep yet ago year "
        "years month months week weeks today yesterday he she they them him i'm i've i'd i'll it's that's there's you're you've "
        "he's she's what's gonna pls plz kind sincerely hereby formally pursuant accordance right rights exercise exercising abt "
        "thx ty ok dears colleagues office hours old anyway henceforth effective immediate immediately lately recently soon a an "
        "the of to for from in on at by with and or is are be been being am was were i we you it this that these those please "
        "thanks thank regards hello hi dear greetings good day morning afternoon evening sir madam now asap urgent urgently "
        "concerning regarding about as well also do does did have has had will shall must should would given previously earlier "
        "electronic document attached signed second third first letter letters_to once again site website completely fully entire "
        "all any every forever permanently still already mr mrs llp company gdpr law article art clause subject data_subject s "
        "our us their fyi important married note message mail no_subject receive receiving held hold system systems decision "
        "decisions making made based solely help like obtained collected gathered longer like_to longer_want both"
    ),
    Sense.DECIDE: (
        "assess- rejection turned_me_down generated choose chooses chosen choosing rank- rated rating sort sorted sorting "
        "classif- categor- screen screening screened evaluat- calculated label should_not_decide decision decisions decide "
        "decides decided decid- score scored scoring reject- turned_down judge- made"
    ),
    Sense.HUMAN: "humans human_being human_eyes human_beings somebody dispatcher jury human person people manually doctor someone",
    Sense.OBJECT: (
        "do_not_let don't_let not_let won't_accept do_not_trust don't_trust not_agree don't_want_to_be not_want_to_be "
        "dont_want_to_be do_not_accept don't_accept dont_accept should_not_decide"
    ),
    Sense.OUR: "contact_person in_charge new_manager purchasing_department sales_department our ours",
    Sense.INQUIRY: "request requests inquiry",
    Sense.CLAUSE: "clause clauses section paragraph",
    Sense.THREAT: "report_you sue lawyer complain- shame",
    Sense.MATTER: "does_not_work doesn't_work bug bugs template- draft- endpoint dashboard pull_request qa",
    Sense.GIVEN: (
        "i_give_my_consent give_my_consent i_give_consent i_consent_to i_hereby_consent i_agree_to i_agree_with "
        "i_confirm_my_consent confirm_my_consent hereby_agree agree_to_the_processing consent_to_the_processing_is_given"
    ),
    Sense.DATA: "my_cv my_resume copy_of_my_id copies_of_my_documents my_id_copy",
}

NOT_OURS = (
    "content contents concert context contract- consensus aktualisierung banking blocks dates directory handle informs lifts manage "
    "meals noticed offices older packing passes protect protected released remote required rescue scope screed spare story subscribed "
    "terminal waiting wedding"
)
"""Words near to ours that mean something else."""
